"""Credentials in specs: accepted nowhere and shown nowhere, and ordinary words are none."""

from typing import Any

import pytest
from spec_folder import FIELDS

from hfdeploy.errors import SpecError
from hfdeploy.spec import parse_spec

LETTERS = "Az09bY18cX27dW36eV45fU54gT63hS72iR81jQ90kP09lO18mN27"
HEX = "0123456789abcdef" * 4
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
TOKENS = [
    "hf_" + LETTERS[:34],
    "api_org_" + LETTERS[:34],
    "sk-" + LETTERS[:48],
    "sk-proj-" + LETTERS[:48],
    "sk-ant-api03-" + LETTERS[:40],
    "sk-or-v1-" + HEX,
    "AKIA" + UPPER[:16],
    "ASIA" + UPPER[:16],
    "ghp_" + LETTERS[:36],
    "gho_" + LETTERS[:36],
    "ghu_" + LETTERS[:36],
    "ghs_" + LETTERS[:36],
    "ghr_" + LETTERS[:36],
    "github_pat_" + LETTERS[:22] + "_" + LETTERS,
    "glpat-" + LETTERS[:20],
    "xoxb-" + "123456789012-" + LETTERS[:24],
    "xoxp-" + "123456789012-" + LETTERS[:24],
    "xapp-1-" + LETTERS[:24],
    "https://hooks.slack.com/services/" + LETTERS[:9] + "/" + LETTERS[:24],
    "pul-" + HEX[:40],
    "npm_" + LETTERS[:36],
    "pypi-" + LETTERS[:40],
    "dckr_pat_" + LETTERS[:27],
    "dop_v1_" + HEX,
    "AIza" + LETTERS[:35],
    "ya29." + LETTERS[:40],
    "SG." + LETTERS[:22] + "." + LETTERS[:43],
    "sk_live_" + LETTERS[:24],
    "rk_test_" + LETTERS[:24],
    "whsec_" + LETTERS[:32],
    "shpat_" + HEX[:32],
    "hvs." + LETTERS[:24],
    "r8_" + LETTERS[:37],
    "gsk_" + LETTERS[:48],
    "nvapi-" + LETTERS[:48],
    "pplx-" + LETTERS[:48],
    "xai-" + LETTERS[:48],
    "fw_" + LETTERS[:24],
    "tgp_v1_" + LETTERS[:40],
    "lsv2_pt_" + HEX[:32] + "_" + HEX[:10],
    "dapi" + HEX[:32],
    "glsa_" + LETTERS[:32] + "_" + HEX[:8],
    "sbp_" + HEX[:40],
    "tskey-auth-" + LETTERS[:24],
    "lin_api_" + LETTERS[:40],
    "ntn_" + LETTERS[:40],
    "figd_" + LETTERS[:40],
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ." + LETTERS[:43],
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----",
    "Bearer " + LETTERS[:32],
    "postgres://bob:" + LETTERS[:12] + "@db.example/x",
    "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=" + LETTERS[:43] + LETTERS[:43] + "==",
]
"""The shapes of credentials, put together here so that no scanner takes them for real ones."""


@pytest.mark.fault(32)
@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token[:12])
def test_a_credential_is_accepted_nowhere_and_shown_nowhere(token: str) -> None:
    """Whoever pastes one into a spec has published it with the next commit."""
    places: list[dict[str, Any]] = [
        {"env": {"GREETING": token}},
        {"env": {"OPTIONS": f"--verbose --key={token} --fast"}},
        {"args": ["--key", token]},
        {"command": ["sh", "-c", f"KEY='{token}' serve"]},
        {"secrets": {"API_KEY": token}},
        {"engine": {"type": "custom", "image": "acme/x:1", "registry": {"username": "bob", "password": token}}},
        {"revision": token},
        {"security": token},
        {"max_model_len": token},
        {"tags": [token]},
        {"verify": {"prompt": token, "expect": token}},
        {"secrets": {"API_KEY": {"from_env": token}}},
        {"secrets": {"API_KEY": {"from_config": token}}},
        {"env": {token: "x"}},
        {token: "x"},
    ]
    for place in places:
        with pytest.raises(SpecError) as error:
            parse_spec({**FIELDS, **place})
        assert token not in str(error.value), place
        assert LETTERS[:12] not in str(error.value), place


@pytest.mark.parametrize(
    "text",
    ["sk-learn", "hf_transfer", "/repository", "task-oriented-dialogue-system-for-people", "0123456789abcdef" * 2,
     "https://acme.org:8080/path@x", "ghp_", "risk-assessment-and-mitigation-plan", "bearer of good news"],
)  # fmt: skip
def test_ordinary_words_are_no_credentials(text: str) -> None:
    """A false alarm teaches people to work around the check."""
    assert parse_spec({**FIELDS, "env": {"WORDS": text}}).env == {"WORDS": text}
