"""policy.yaml: read as strictly as a spec, with everything wrong in it said at once."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.errors import SpecError, UsageError
from hfdeploy.policy import RULES, Approval, Level, Limits, Policy, Waiver, parse_policy, policy_schema, read_policy
from hfdeploy.spec import Security

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "hfdeploy" / "data" / "policy.schema.json"

WHOLE = """\
version: 1
rules:
  engine-maintenance: off
  unpinned-revision: error
limits:
  clouds: [aws]
  regions: [us-east-1, eu-*]
  instances: ["nvidia-l4 *"]
  max_price_per_hour_usd: 2.5
  max_replicas: 4
  security: [private, authenticated]
  required_tags: ["team:*"]
  registries: [docker.io/vllm]
  images_by_digest: true
  monthly_ceiling_usd: 5000
approvals:
  - group: finops
    above_monthly_delta_usd: 500
waivers:
  - rule: unpinned-revision
    endpoint: demo-*
    until: 2026-12-31
    reason: the model is still trained
    by: Jo
"""


def test_every_field_is_read() -> None:
    """And typed: money is decimal, days are days."""
    loaded = parse_policy(WHOLE.encode(), "policy.yaml")

    policy = loaded.policy
    assert policy.rules == {"engine-maintenance": Level.OFF, "unpinned-revision": Level.ERROR}
    assert policy.limits == Limits(
        clouds=("aws",),
        regions=("us-east-1", "eu-*"),
        instances=("nvidia-l4 *",),
        max_price_per_hour_usd=Decimal("2.5"),
        max_replicas=4,
        security=(Security.PRIVATE, Security.AUTHENTICATED),
        required_tags=("team:*",),
        registries=("docker.io/vllm",),
        images_by_digest=True,
        monthly_ceiling_usd=Decimal(5000),
    )
    assert policy.approvals[0].above_monthly_delta_usd == Decimal(500)
    assert (policy.waivers[0].until, loaded.line_of("waivers.0.until")) == (date(2026, 12, 31), 22)


def test_a_field_of_every_section_is_in_the_whole_policy() -> None:
    """Otherwise a new field could be one that nobody has ever read."""
    document: Any = yaml.safe_load(WHOLE)

    assert document.keys() == Policy.model_fields.keys()
    assert document["limits"].keys() == Limits.model_fields.keys()
    assert (
        document["approvals"][0].keys() == Policy.model_fields["approvals"].annotation.__args__[0].model_fields.keys()
    )
    assert document["waivers"][0].keys() == Policy.model_fields["waivers"].annotation.__args__[0].model_fields.keys()


BAD = {
    "rules: { engine-maintenence: off }": "1: rules.engine-maintenence: is no rule; did you mean engine-maintenance?",
    "rules: { zzzz: off }": "1: rules.zzzz: is no rule: docs/rules.md lists them all",
    "rules: { low-headroom: fatal }": (
        "1: rules.low-headroom: is no choice here: found 'fatal'; there are: error, warning, note, off"
    ),
    "rules: { unknown-hardware: note }": (
        "1: rules.unknown-hardware: cannot be changed by a policy: where it speaks, nothing is deployed"
    ),
    "rules: [low-headroom]": "1: rules: must be a mapping; found a list",
    "limit: {}": "1: limit: is not a field here; did you mean limits?",
    "limits: { regoins: [a] }": "1: limits.regoins: is not a field here; did you mean regions?",
    "limits: { clouds: aws }": "1: limits.clouds: must be a list; found text",
    "limits: { max_replicas: 0 }": "1: limits.max_replicas: must be at least 1; found 0",
    "limits: { max_replicas: many }": (
        "1: limits.max_replicas: must be a whole number such as 3, without leading zeros; found 'many'"
    ),
    "limits: { security: [protected] }": (
        "1: limits.security.0: is no choice here: found 'protected'; there are: private, authenticated, public"
    ),
    "limits: { images_by_digest: yes }": "1: limits.images_by_digest: must be true or false; found 'yes'",
    "limits: { monthly_ceiling_usd: 5k }": (
        "1: limits.monthly_ceiling_usd: must be an amount in USD such as 500 or 2.50; found '5k'"
    ),
    "limits: { max_price_per_hour_usd: -1 }": (
        "1: limits.max_price_per_hour_usd: must be an amount in USD such as 500 or 2.50; found '-1'"
    ),
    "approvals:\n  - group: finops": "2: approvals.0.above_monthly_delta_usd: is required",
    "approvals: [finops]": "1: approvals.0: must be a mapping of fields; found text",
    "version: 2": "1: version: must be 1, the only version that this release reads; found '2'",
    "waivers: [{ rule: low-headroom, endpoint: a, until: 2026-12-31, reason: x }]": "1: waivers.0.by: is required",
    "waivers: [{ rule: low-headroom, endpoint: a, until: 2026-06-31, reason: x, by: y }]": (
        "1: waivers.0.until: must be a day such as 2026-12-31; found '2026-06-31'"
    ),
    "waivers: [{ rule: low-headroom, endpoint: a, until: never, reason: x, by: y }]": (
        "1: waivers.0.until: must be a day such as 2026-12-31; found 'never'"
    ),
    "waivers: [{ rule: no-default-image, endpoint: a, until: 2026-06-30, reason: x, by: y }]": (
        "1: waivers.0.rule: cannot be changed by a policy: where it speaks, nothing is deployed"
    ),
    "limits: &a {}": "1: limits: carries the anchor &a: take it off",
    "version: 1\nversion: 1": "2: version: stands here a second time, first on line 1; keep one",
    "[]": "1: must be `field: value` lines at its top",
}


@pytest.mark.parametrize(("text", "sentence"), BAD.items(), ids=[text[:50] for text in BAD])
def test_a_broken_policy_is_refused_with_its_sentence(text, sentence) -> None:
    """A limit with a typing mistake in it must not be no limit."""
    with pytest.raises(SpecError) as refused:
        parse_policy(text.encode(), "policy.yaml")

    assert [str(problem) for problem in refused.value.problems] == [f"policy.yaml:{sentence}"]


def test_everything_wrong_is_said_at_once() -> None:
    """In the order of the lines."""
    with pytest.raises(SpecError) as refused:
        parse_policy(b"version: 2\nrules:\n  foo: off\nlimits:\n  max_replicas: x\n  clouds: &a [b]\n", "p.yaml")

    assert [problem.line for problem in refused.value.problems] == [1, 3, 5, 6]


@pytest.mark.parametrize("content", [b"", b"\xff", b"a: [", b"rules: {}\n---\nrules: {}\n", b"x" * 300_000])
def test_what_is_no_yaml_is_refused(content) -> None:
    """By the same reader as specs."""
    with pytest.raises(SpecError):
        parse_policy(content, "policy.yaml")


def test_a_policy_that_is_not_there_is_an_error(tmp_path, monkeypatch) -> None:
    """Without it everything would be allowed."""
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UsageError, match=r"^The policy policy.yaml cannot be read: No such file or directory\.$"):
        read_policy(Path("policy.yaml"))
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_policy(tmp_path)


class TestSchema:
    def test_the_published_schema_is_that_of_the_model(self) -> None:
        """After a change on purpose: json.dumps(policy_schema(), indent=2, ensure_ascii=False) and a line end."""
        assert SCHEMA.read_text(encoding="utf-8") == json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"

    def test_it_takes_what_the_model_takes(self) -> None:
        """Editors would otherwise mark what is right."""
        validator = jsonschema.Draft202012Validator(policy_schema())
        document = yaml.load(WHOLE.replace("off", "'off'"), Loader=yaml.SafeLoader)
        document["waivers"][0]["until"] = "2026-12-31"

        validator.check_schema(policy_schema())
        assert [error.message for error in validator.iter_errors(document)] == []

    @pytest.mark.parametrize("text", ["rules: { foo: error }", "limit: {}", "limits: { max_replicas: 0 }"])
    def test_it_marks_what_is_wrong(self, text) -> None:
        """Before anything is run."""
        validator = jsonschema.Draft202012Validator(policy_schema())

        assert list(validator.iter_errors(yaml.safe_load(text)))

    def test_every_field_is_described(self) -> None:
        """What an editor shows beside it."""
        fields = {
            f"{section.__name__}.{name}": field
            for section in (Policy, Limits, Approval, Waiver)
            for name, field in section.model_fields.items()
        }

        assert [name for name, field in fields.items() if not field.description] == []


def test_the_shipped_policies_are_valid() -> None:
    """The pack's own, and the one that the document shows."""
    shown = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]

    assert read_policy(ROOT / "policy-pack" / "policy.yaml").policy.limits.security
    assert parse_policy(shown.encode(), "policy.md").policy.waivers


def test_a_policy_may_change_every_rule_but_those_without_which_there_is_nothing() -> None:
    """Without a spec, hardware or an image no plan is made: turned off, the rule would remove the endpoint."""
    changed = "\n".join(f"  {rule.id}: note" for rule in RULES.values() if not rule.is_fixed)

    assert len(parse_policy(f"rules:\n{changed}\n".encode(), "p").policy.rules) == len(RULES) - 4


WORDS = [
    "1",
    "-1",
    "x",
    "",
    "aws",
    "true",
    "2026-12-31",
    "low-headroom",
    "unknown-hardware",
    "private",
    "hf_" + "a" * 34,
]
TREES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([*WORDS, None]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=2),
    max_leaves=4,
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(Policy.model_fields, TREES),
        "limits": st.fixed_dictionaries({}, optional=dict.fromkeys(Limits.model_fields, TREES)),
        "rules": st.dictionaries(st.sampled_from([*WORDS, *RULES]), st.sampled_from(["off", "error", "x", None])),
        "waivers": st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(Waiver.model_fields, TREES)), max_size=2),
        "approvals": st.lists(
            st.fixed_dictionaries({}, optional=dict.fromkeys(Approval.model_fields, TREES)), max_size=2
        ),
    },
)


@given(DOCUMENTS)
def test_whatever_stands_there_is_read_or_refused_in_sentences(document: Any) -> None:
    """No text of pydantic's own, no traceback, and no token in a sentence."""
    sentences: list[str] = []
    try:
        parse_policy(json.dumps(document).encode(), "p.yaml")
    except SpecError as refused:
        sentences = [str(problem) for problem in refused.problems] or ["nothing was said"]

    assert [said for said in sentences if "hf_aaa" in said or "Input should" in said or ": " not in said] == []
