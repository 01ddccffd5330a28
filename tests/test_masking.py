"""Credentials that somebody wrote into a live endpoint: taken out of what is kept, and never sent back as a mask."""

import pytest

from hfdeploy.errors import BlockingFinding
from hfdeploy.provider.drift import with_kept
from hfdeploy.provider.masking import MASK, is_masked, masked
from hfdeploy.settings import Drift

TOKEN = "hf_" + "q" * 30
SPEC = {
    "name": "tiny",
    "repository": "acme/tiny",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-t4 x1",
    "engine": {"type": "tgi"},
}


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("found", "declared", "kept"),
    [
        ({"A": TOKEN, "B": "plain"}, {"B": "plain"}, {"A": MASK, "B": "plain"}),
        (["--token", TOKEN], ["--token"], ["--token", MASK]),
        (["--token", TOKEN], None, ["--token", MASK]),
        ({"min": 0, "max": 3}, {"max": 1}, {"min": 0, "max": 3}),
        (None, "x", None),
    ],
)
def test_credentials_are_taken_out_and_nothing_else(found: object, declared: object, kept: object) -> None:
    """Wherever they are in what differs."""
    assert masked(found, declared) == kept
    assert is_masked(kept) == (kept != found)


@pytest.mark.fault(16, 34)
def test_a_mask_is_never_brought_live() -> None:
    """A stack that reports keeps what somebody changed, and cannot keep what it may not know."""
    outs = {"namespace": "acme", "name": "tiny", "declared": SPEC, "spec": {**SPEC, "args": ["--key", MASK]}}

    with pytest.raises(BlockingFinding, match="there is a credential in it, which is kept nowhere"):
        with_kept(outs, {**SPEC, "namespace": "acme"}, Drift.REPORT)
