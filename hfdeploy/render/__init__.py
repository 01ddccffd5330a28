"""Plans, hardware, endpoints and verifications as tables, JSON values and Markdown: values in, values out.

Every format of one thing is made from the same object, so that they cannot disagree. Money is decimal text, never a
float. Text that somebody else wrote (a model, a log, a service) passes through `plain` before anything shows it.
"""

from hfdeploy.cost import estimate_of
from hfdeploy.render.annotations import annotations
from hfdeploy.render.audit import audit_paragraphs, audit_quota_table, audit_table, tag_table
from hfdeploy.render.audit_comment import audit_markdown
from hfdeploy.render.audit_json import audit_json
from hfdeploy.render.audit_page import audit_page
from hfdeploy.render.comment import LIMIT, Place, comment
from hfdeploy.render.fit import arithmetic_lines, describe_model, fit_json, fit_table, one_fit_json
from hfdeploy.render.focus import COLUMNS, focus_csv
from hfdeploy.render.groups import Group, grouped
from hfdeploy.render.hardware import catalog_json, catalog_table, describe_status, resolution_facts, resolution_json
from hfdeploy.render.junit import junit
from hfdeploy.render.lines import foremost, lines_of
from hfdeploy.render.markup import code
from hfdeploy.render.page import page
from hfdeploy.render.plan import (
    approvals_line,
    change_parts,
    paragraphs,
    plan_table,
    quota_parts,
    summary,
)
from hfdeploy.render.plan_json import describe_secrets, plan_json
from hfdeploy.render.sarif import sarif
from hfdeploy.render.schema import review_schema
from hfdeploy.render.status import (
    Deployed,
    count_verdicts,
    describe,
    describe_live,
    facts,
    parse_deployment,
    status_json,
    status_table,
)
from hfdeploy.render.table import Column, Table, markdown
from hfdeploy.render.text import is_harmless, plain, plain_line
from hfdeploy.render.verification import verification_facts

__all__ = [
    "COLUMNS",
    "LIMIT",
    "Column",
    "Deployed",
    "Group",
    "Place",
    "Table",
    "annotations",
    "approvals_line",
    "arithmetic_lines",
    "audit_json",
    "audit_markdown",
    "audit_page",
    "audit_paragraphs",
    "audit_quota_table",
    "audit_table",
    "catalog_json",
    "catalog_table",
    "change_parts",
    "code",
    "comment",
    "count_verdicts",
    "describe",
    "describe_live",
    "describe_model",
    "describe_secrets",
    "describe_status",
    "estimate_of",
    "facts",
    "fit_json",
    "fit_table",
    "focus_csv",
    "foremost",
    "grouped",
    "is_harmless",
    "junit",
    "lines_of",
    "markdown",
    "one_fit_json",
    "page",
    "paragraphs",
    "parse_deployment",
    "plain",
    "plain_line",
    "plan_json",
    "plan_table",
    "quota_parts",
    "resolution_facts",
    "resolution_json",
    "review_schema",
    "sarif",
    "status_json",
    "status_table",
    "summary",
    "tag_table",
    "verification_facts",
]
