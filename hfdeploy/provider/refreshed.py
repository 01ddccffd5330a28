"""What the state says of an endpoint once somebody looked at the service: the outputs of a refresh, as values."""

from hfdeploy.diff import project
from hfdeploy.owner import marks_of
from hfdeploy.plan import Plan
from hfdeploy.provider import drift
from hfdeploy.provider.goal import with_commit
from hfdeploy.provider.masking import masked
from hfdeploy.provider.outputs import as_declared, as_found, has_failed
from hfdeploy.provider.props import MARKS, Props
from hfdeploy.provider.unfinished import Note
from hfdeploy.wire import Endpoint


def refreshed(props: Props, plan: Plan, live: Endpoint, note: Note) -> Props:
    """The outputs by what is live; `plan` is that of what was last brought live."""
    outs = with_found(props, plan, live, note)
    if (seen := marks_of(live.tags)) != (props.get(MARKS) or {}):
        outs = {**outs, MARKS: seen}
    if live.status.state.is_failure or has_failed(props):
        # That the service gave up on it is no operational state: the next `up` must not be green over it.
        outs["state"] = live.status.state.value
    return outs


def with_found(props: Props, plan: Plan, live: Endpoint, note: Note) -> Props:
    """The outputs with the configuration that is live in them, and whose doing it is."""
    declared = as_declared(props)
    shown = masked(project(declared, with_commit(plan.body, props.get("revision")), live), declared)
    outs = dict(props) if shown == as_found(props) else {**props, "spec": shown}
    fields = drift.drifted_fields(outs)
    return drift.signed(outs, live, note.explains(fields, shown, live) if fields else ())
