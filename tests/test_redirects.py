"""Redirects whose address is none: still a refusal in our own words, and never a traceback."""

import pytest
from client_faults import OPERATIONS, PATHS
from speaker import Speaker, http

from hfdeploy import errors
from hfdeploy.client import Api

pytest_plugins = ["client_faults"]

MALFORMED = {
    "port": "http://somewhere:notaport/x",
    "bracket": "http://[::1/x",
    "nothing but a scheme": "http://",
    "spaces": "http://a b/",
    "long": f"http://{'a' * 70_000}.example/",
}


@pytest.mark.fault(33)
@pytest.mark.parametrize("location", MALFORMED)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_redirect_to_no_address_is_a_refusal(api: Api, speaker: Speaker, operation: str, location: str) -> None:
    """One request, one sentence of ours; where to is not said when nobody can read it."""
    speaker.on(PATHS[operation], http(302, location=MALFORMED[location]))

    with pytest.raises(errors.ApiError, match=r"a redirect to .*which is not followed") as caught:
        OPERATIONS[operation](api)

    assert len(speaker.heard) == 1
    assert len(str(caught.value)) < 2000
