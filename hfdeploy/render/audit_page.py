"""An audit as the page of its review, with what only an audit knows: use, what it burns, cost by tag."""

from collections.abc import Sequence

from hfdeploy.audit import Audit, TagCost
from hfdeploy.render.audit import audit_paragraphs, tag_table, use_table
from hfdeploy.render.comment import Place
from hfdeploy.render.page import Beside, page


def audit_page(audit: Audit, tags: Sequence[TagCost], key: str | None = None, *, command: str = "") -> str:
    """The whole page."""
    beside = Beside(
        f"Audit of {audit.namespace}",
        (("Use", use_table(audit)), ("Cost by tag", tag_table(tags, key))),
        tuple(audit_paragraphs(audit)),
    )
    return page(audit.review, Place(command=command), beside=beside)
