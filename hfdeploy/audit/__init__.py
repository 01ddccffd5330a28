"""Everything live in a namespace under the rules of a review: what it costs, who can reach it, what nobody uses.

live endpoints ─live→ specs ─review→ findings of the same rules that judge specs
               ─activity→ idle or not      ─waste, state→ findings that only something live can have
               ─labels→ cost by tag        all of it → Audit, whose `review` every output of a review can show

Pure: what the service says comes in as values, and nothing here asks or changes anything.
"""

from hfdeploy.audit.activity import Activity
from hfdeploy.audit.examination import Audit, Evidence, examine
from hfdeploy.audit.live import placed, with_live
from hfdeploy.audit.resident import Resident
from hfdeploy.audit.tags import UNTAGGED, TagCost, cost_by_tag

__all__ = [
    "UNTAGGED",
    "Activity",
    "Audit",
    "Evidence",
    "Resident",
    "TagCost",
    "cost_by_tag",
    "examine",
    "placed",
    "with_live",
]
