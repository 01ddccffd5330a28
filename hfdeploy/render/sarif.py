"""The findings of a review as SARIF 2.1.0, so that code scanning shows them on the lines of a pull request."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from hfdeploy.review import Finding, Review, Severity

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_LEVELS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_ROOT: Final = "SRCROOT"
"""What paths are relative to: the root of the clone, and outside of one the folder that the command ran in."""


def sarif(review: Review, *, version: str, rules: Mapping[str, str] = {}) -> str:
    """One run with a result per finding. `rules` has a sentence for each rule by its id, where there is one.

    A fix is told in words: SARIF's own `fixes` are replacements of bytes, and a review makes none up.
    """
    ids = list(dict.fromkeys(finding.rule for finding in review.findings))
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "hfdeploy",
                "semanticVersion": version,
                "rules": [_rule(name, review, rules.get(name, "")) for name in ids],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, ids.index(finding.rule), review.file_of(finding)) for finding in review.findings],
    }
    if review.approvals:
        run["properties"] = {"approvals": list(review.approvals)}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(name: str, review: Review, says: str) -> dict[str, Any]:
    worst = next(
        severity
        for severity in Severity
        if any(one.rule == name and one.severity is severity for one in review.findings)
    )
    words = f"{name[:1].upper()}{name[1:].replace('-', ' ')}"
    return {
        "id": name,
        "name": "".join(part.capitalize() for part in name.split("-")),
        "shortDescription": {"text": words},
        "fullDescription": {"text": says or f"{words}."},
        "defaultConfiguration": {"level": _LEVELS[worst]},
        "properties": {"tags": ["inference-endpoints"]},
    }


def _result(finding: Finding, index: int, file: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": _message(f"{finding.sentence} {finding.own_fix}".strip())},
        "partialFingerprints": {"hfdeploy/v1": _fingerprint(finding)},
        "properties": {"endpoint": finding.endpoint, "field": finding.field, "fix": finding.fix},
    }
    if finding.file and not file:
        name = {"name": finding.endpoint, "fullyQualifiedName": finding.file, "kind": "resource"}
        result["locations"] = [{"logicalLocations": [name]}]
    elif file:
        place: dict[str, Any] = {"artifactLocation": _location(file)}
        # A finding about a whole file has no line; viewers put it on the first.
        place["region"] = {"startLine": max(1, finding.line)}
        result["locations"] = [{"physicalLocation": place}]
    return result


def _message(text: str) -> str:
    """Text as it is: `[words](address)` would be a link even in a plain message (SARIF 2.1.0, 3.11.6)."""
    return re.sub(r"([\\\[\]])", r"\\\1", text)


def _location(file: str) -> dict[str, str]:
    path = PurePath(file)
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(path.as_posix(), safe="/~"), "uriBaseId": _ROOT}


def _fingerprint(finding: Finding) -> str:
    """The same finding is told again on another line, or in other words, under the same name."""
    told = [finding.rule, finding.endpoint, finding.file, finding.field]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]
