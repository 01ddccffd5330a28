"""DELETE EP."""

import pytest
from control_plane import BODY
from huggingface_hub.errors import HfHubHTTPError


@pytest.mark.parametrize("status", [200, 202, 204])
def test_delete_with_200_202_or_204_by_option(emulator, api, status) -> None:
    """Any 2xx is success."""
    emulator.set(delete_status=status)
    emulator.seed()

    assert emulator.owner.delete("/v2/endpoint/acme/demo").status_code == status
    emulator.seed("again")
    api.delete_inference_endpoint("again", namespace="acme")


def test_404_afterwards_and_for_an_absent_endpoint(emulator, api) -> None:
    """Gone is gone: for GET, PUT, DELETE and the list."""
    emulator.seed()
    api.delete_inference_endpoint("demo", namespace="acme")
    with pytest.raises(HfHubHTTPError) as error:
        api.get_inference_endpoint("demo", namespace="acme")

    assert error.value.response.status_code == 404
    assert emulator.owner.delete("/v2/endpoint/acme/demo").status_code == 404
    assert emulator.put({}).status_code == 404
    assert api.list_inference_endpoints(namespace="acme") == []


def test_optional_delay_before_the_name_is_free(emulator) -> None:
    """Replacement deletes and creates under one name."""
    emulator.set(name_free_after_seconds=30)
    emulator.create()
    emulator.owner.delete("/v2/endpoint/acme/demo")
    taken = emulator.post(BODY)
    emulator.advance(31)

    assert (taken.status_code, "already exists" in taken.json()["error"]) == (409, True)
    emulator.create()


def test_a_deleted_endpoint_may_linger_by_option(emulator) -> None:
    """If DELETE turns out to be asynchronous."""
    emulator.set(delete_visible_seconds=10)
    emulator.seed()
    emulator.owner.delete("/v2/endpoint/acme/demo")
    lingering = emulator.owner.get("/v2/endpoint/acme/demo").status_code
    emulator.advance(11)

    assert (lingering, emulator.owner.get("/v2/endpoint/acme/demo").status_code) == (200, 404)


def test_the_address_of_a_deleted_endpoint_answers_no_more(emulator) -> None:
    """Whatever it says, it is not the model."""
    emulator.seed()
    emulator.owner.delete("/v2/endpoint/acme/demo")

    assert emulator.owner.get("/endpoints/acme/demo/health").status_code == 404
