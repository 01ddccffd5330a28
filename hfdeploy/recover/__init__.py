"""The state of a stack rebuilt after it was lost: from the tags on live endpoints and from what the program wants.

preview ─wanted→ what the program would make     namespaces ─survey→ what carries an owner id
export  ─state→  what the state still knows      together ─review→ what is brought back, and why the rest is not
review ─rebuild→ a deployment for `pulumi stack import`, with the old owner id

Endpoints are only read. What a review leaves out is lost to nobody: with the old owner id back in the state the next
`up` continues what carries it, and refuses the rest with a reason.
"""

from hfdeploy.recover.review import Kind, Review, Row, choose_owner, make_review, survey
from hfdeploy.recover.state import State, read_state, rebuild
from hfdeploy.recover.wanted import Wanted, read_wanted

__all__ = [
    "Kind",
    "Review",
    "Row",
    "State",
    "Wanted",
    "choose_owner",
    "make_review",
    "read_state",
    "read_wanted",
    "rebuild",
    "survey",
]
