"""One configuration brought live: PUT what differs, wait, check that the right thing serves, stream a prompt.

goal ─compare→ changes ─client→ PUT ─wait→ running ─diff→ as asked? ─verify→ passed
                                      └ failed: the endpoint stays in the state, and the error says what became of it
                                        first rollout: paused, kept or deleted, as the spec says
                                        update: the previous configuration is put back and proved, or held
record: all of it written down, before anything is undone and at the end
"""

from hfdeploy.rollout.check import make_check
from hfdeploy.rollout.goal import Goal, Journal, Means, Outcome, Prove, Report
from hfdeploy.rollout.live import bring_live
from hfdeploy.rollout.record import Keep, Record
from hfdeploy.rollout.request import add_credentials, let_go
from hfdeploy.rollout.work import Work, told_known_bad, work_on

__all__ = [
    "Goal",
    "Journal",
    "Keep",
    "Means",
    "Outcome",
    "Prove",
    "Record",
    "Report",
    "Work",
    "add_credentials",
    "bring_live",
    "let_go",
    "make_check",
    "told_known_bad",
    "work_on",
]
