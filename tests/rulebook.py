"""The rules as people read them: every rule with its weight, what it says and what settles it.

`python tests/rulebook.py` writes docs/rules.md anew.
"""

from pathlib import Path

from hfdeploy.policy import RULES, Rule

DOCUMENT = Path(__file__).parents[1] / "docs" / "rules.md"


def rules_document() -> str:
    """`docs/rules.md`, whole."""
    rows = [f"| `{rule.id}` | {rule.severity} | {rule.says} | {rule.fix}{_marks(rule)} |" for rule in RULES.values()]
    return "\n".join(
        [
            "# Rules of a review",
            "",
            "Made from `hfdeploy/policy/rules.py`; a test keeps it true. An error stops `hfdeploy plan` (exit code 5),",
            "`pulumi preview` and `pulumi up`; a warning is shown in all three; a note is in the review alone.",
            "A policy changes these weights: [policy.md](policy.md).",
            "",
            "¹ `hfdeploy plan --fix` settles it. ² No policy can change it: where it speaks, nothing is deployed.",
            "³ It is about what runs, so `hfdeploy audit` alone has it: [audit.md](audit.md).",
            "",
            "| rule | weight | what it says | what settles it |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _marks(rule: Rule) -> str:
    marks = (" ¹", rule.is_mended), (" ²", rule.is_fixed), (" ³", rule.is_live)
    return "".join(mark for mark, is_meant in marks if is_meant)


if __name__ == "__main__":
    DOCUMENT.write_text(rules_document(), encoding="utf-8")
