"""Plans, hardware, endpoints and verifications as tables, JSON values and Markdown: values in, values out.

Every format of one thing is made from the same object, so that they cannot disagree. Money is decimal text, never a
float. Text that somebody else wrote (a model, a log, a service) passes through `plain` before anything shows it.
"""

from hfdeploy.render.fit import arithmetic_lines, describe_model, fit_json, fit_table, one_fit_json
from hfdeploy.render.hardware import catalog_json, catalog_table, resolution_facts, resolution_json
from hfdeploy.render.plan import (
    approvals_line,
    describe_secrets,
    estimate_of,
    paragraphs,
    plan_json,
    plan_markdown,
    plan_table,
)
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
    "Column",
    "Deployed",
    "Table",
    "approvals_line",
    "arithmetic_lines",
    "catalog_json",
    "catalog_table",
    "count_verdicts",
    "describe",
    "describe_live",
    "describe_model",
    "describe_secrets",
    "estimate_of",
    "facts",
    "fit_json",
    "fit_table",
    "is_harmless",
    "markdown",
    "one_fit_json",
    "paragraphs",
    "parse_deployment",
    "plain",
    "plain_line",
    "plan_json",
    "plan_markdown",
    "plan_table",
    "resolution_facts",
    "resolution_json",
    "status_json",
    "status_table",
    "verification_facts",
]
