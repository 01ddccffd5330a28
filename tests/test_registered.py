"""The rules over what a program registers: the same words as a review's, without files and without trust."""

from datetime import date
from typing import Any

import pytest

from hfdeploy.policy import parse_policy
from hfdeploy.provider.props import SPEC_FIELDS
from hfdeploy.resources import EndpointIdentity, InferenceEndpoint
from hfdeploy.review import Finding
from hfdeploy.review.registered import FIELDS, TYPES, UNREADABLE, Registered

DECLARED: dict[str, Any] = {
    "name": "chat",
    "namespace": "acme",
    "repository": "acme/chat",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-l4 x1",
    "engine": {"type": "vllm"},
    "autoscaling": {"max": 2.0},
}
"""As protobuf hands them over: numbers are floats."""


def judge(policy: str = "version: 1") -> Registered:
    return Registered(parse_policy(policy.encode(), "policy.yaml"), date(2026, 11, 21))


def told(findings: tuple[Finding, ...]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.severity.value) for finding in findings]


def test_the_types_and_fields_are_those_that_a_program_registers() -> None:
    """Another name would let everything through."""
    assert [name.rpartition(":")[2] for name in TYPES] == [EndpointIdentity.__name__, InferenceEndpoint.__name__]
    assert FIELDS == SPEC_FIELDS


def test_what_a_review_would_only_note_is_left_out() -> None:
    """An unpinned model is one for whoever reads a review."""
    assert judge().findings(DECLARED) == ()


def test_limits_and_weights_are_those_of_the_policy() -> None:
    """The same sentences as in a review."""
    findings = judge("limits: { max_replicas: 1 }\nrules: { unpinned-revision: warning }").findings(DECLARED)

    assert told(findings) == [("policy-replicas", "error"), ("unpinned-revision", "warning")]
    assert findings[0].sentence == "2 replicas are more than the policy allows, which is 1."


def test_an_exception_holds_here_too() -> None:
    """What ends is judged by the day that is handed in."""
    policy = (
        "limits: {{ max_replicas: 1 }}\n"
        "waivers: [{{ rule: policy-replicas, endpoint: chat, until: {until}, reason: a fair, by: Jo }}]\n"
    )

    assert judge(policy.format(until="2026-11-21")).findings(DECLARED) == ()
    assert told(judge(policy.format(until="2026-11-20")).findings(DECLARED)) == [("policy-replicas", "error")]


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"security": "hf_verysecretverysecret"}, ["security"]),
        ({"nonsense": 1, "name": "NOT A NAME"}, ["name", "nonsense"]),
        ({"repository": None}, ["repository"]),
    ],
)
def test_what_is_no_spec_is_refused_without_its_values(change, fields) -> None:
    """Nobody can say what it asks for, and a value may be somebody's secret."""
    findings = judge().findings({**DECLARED, **change})

    assert told(findings) == [(UNREADABLE, "error")] * len(fields)
    assert [finding.field for finding in findings] == fields
    assert "secret" not in "".join(finding.sentence for finding in findings)


def test_hardware_that_does_not_exist_is_refused() -> None:
    """No policy can turn that off."""
    assert told(judge().findings({**DECLARED, "instance": "nvidia-l4 x3"})) == [("unknown-hardware", "error")]


def test_the_endpoint_with_which_the_ceiling_is_passed_is_named_in_whatever_order() -> None:
    """Identity and configuration of one endpoint are one endpoint; asking twice changes nothing."""
    judged = judge("limits: { monthly_ceiling_usd: 2400 }")
    second, third = ({**DECLARED, "name": name} for name in ("second", "third"))

    assert judged.findings(DECLARED) == judged.findings(DECLARED) == ()
    assert judged.findings(second) == ()
    assert told(judged.findings(third)) == [("policy-monthly-ceiling", "error")]
    assert "$3,504.00/month, and the policy allows $2,400.00/month" in judged.findings(third)[0].sentence
    assert judged.findings(DECLARED) == ()


def test_a_namesake_in_another_namespace_counts_too() -> None:
    """It is billed as well."""
    judged = judge("limits: { monthly_ceiling_usd: 2000 }")

    assert judged.findings(DECLARED) == ()
    assert told(judged.findings({**DECLARED, "namespace": "other"})) == [("policy-monthly-ceiling", "error")]
