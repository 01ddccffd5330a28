"""Values that no API gives back: an endpoint's marks tell whose it has, and nothing of anybody else's is sent or wiped.

`hfd-s-` marks the container's secrets and `hfd-r-` the registry's password, each with the update that carries them.
"""

from typing import Any

import pytest
from control_plane import Running
from plugin_stack import puts
from rollouts import BAD, BARE, GOOD, Make, custom, seeded, served, tgi

from hfdeploy.provider import memory

pytest_plugins = ["project", "rollouts"]

NEVER = {"verify": {"when": "never"}}
A, B = "registry-a.example.org/acme/server:1", "registry-b.example.org/acme/server:1"
ONE_SECRET: dict[str, Any] = {"secrets": {"A": {"from_env": "K"}}}


@pytest.fixture(autouse=True)
def _values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("P", "pull-pass-1")
    monkeypatch.setenv("K", "one1one1")


@pytest.mark.fault(36)
def test_another_user_of_the_same_registry_is_a_change(make: Make, world: Running) -> None:
    """The name comes back blanked like the password, so no comparison shows it; sent once, it is settled."""
    stack = make(**BARE, **custom(user="u1"), **NEVER)

    assert stack.reasons(**custom(user="u2")) == ["engine"]
    stack.bring(**custom(user="u2"))

    image = stack.config["model"]["image"]["custom"]
    assert image["credentials"] == {"username": "u2", "password": "pull-pass-1"}
    assert [list(put["model"]) for put in puts(world)] == [["image"]]
    assert stack.reasons(**custom(user="u2")) == []


@pytest.mark.fault(36)
@pytest.mark.parametrize("marks", [[], ["hfd-s-aaaaaaaaaaaa"], ["hfd-s-aaaaaaaaaaaa", "hfd-r-bbbbbbbbbbbb"]], ids=len)
def test_taking_over_wipes_no_secret_that_the_spec_does_not_have(make: Make, world: Running, marks: list[str]) -> None:
    """Another stack's marks are about its values; this one goes by its own, and takes theirs off."""
    theirs = {**served(GOOD), "secrets": {"BY_HAND": "kept-please"}}
    fields = seeded(world, theirs, ["hfd-o-ffffffffffff", "hfd-l-tiny", *marks])

    stack = make(**fields, **NEVER)

    assert stack.config["model"]["secrets"] == {"BY_HAND": "kept-please"}
    assert not any("secrets" in put.get("model", {}) for put in puts(world))
    assert stack.config["tags"] == ["hfd-o-0123456789ab", "hfd-l-tiny", "team-a"]


@pytest.mark.fault(36)
def test_registry_passwords_that_rotate_again_and_again_leave_secrets_made_by_hand(
    make: Make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry's mark is not the container's: a spec without secrets never sends an empty map of them."""
    stack = make(**BARE, **custom(), **NEVER)
    world.mutate("tiny", model={"secrets": {"BY_HAND": "kept-please"}})
    seen = []
    for number in (2, 3, 4):
        monkeypatch.setenv("P", f"pull-pass-{number}")
        stack.bring()
        model = stack.config["model"]
        assert model["image"]["custom"]["credentials"]["password"] == f"pull-pass-{number}"
        assert model["secrets"] == {"BY_HAND": "kept-please"}
        seen += stack.tags("hfd-r-")
        stack.refresh()
        assert stack.reasons() == []

    assert len(set(seen)) == 3
    assert [list(put["model"]) for put in puts(world)[1:]] == [["image"]] * 2
    assert stack.tags("hfd-s-") == []


@pytest.mark.fault(36)
@pytest.mark.parametrize("known", [False, True], ids=["its source is gone", "its source is there"])
def test_a_registry_is_never_given_another_ones_password(
    make: Make, world: Running, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """The image that is put back signs in with its own, or with nothing, and that is said."""
    monkeypatch.setenv("A_PW", "password-of-a")
    monkeypatch.setenv("B_PW", "password-of-b")
    stack = make(**BARE, **custom(A, user="same", source="A_PW"))
    if not known:
        monkeypatch.delenv("A_PW")
    world.mutate("tiny", behaviour={"stream": "empty", "only": B})

    said = stack.fail(**custom(B, user="same", source="B_PW"))

    images = [put["model"]["image"]["custom"] for put in puts(world)]
    assert [one["url"] for one in images] == [B, A]
    assert images[0]["credentials"]["password"] == "password-of-b"
    own = {"username": "same", "password": "password-of-a"}
    assert images[1].get("credentials") == (own if known else None)
    assert ("without the credentials of its image's registry" in said) is not known


@pytest.mark.fault(16, 36)
@pytest.mark.parametrize(
    ("found", "is_its_own"), [("other.example.org/x:1", False), ("registry-a.example.org/acme/server:9", True)]
)
def test_a_password_goes_back_only_to_its_own_registry(
    make: Make, world: Running, found: str, is_its_own: bool
) -> None:
    """Somebody's image is put back after a failed update: what signs in to the proved one is none of its business."""
    stack = make(**BARE, **custom(A))
    world.mutate("tiny", model={"image": {"custom": {"url": found, "port": 80}}})
    world.mutate("tiny", behaviour={"stream": "empty", "only": BAD})
    stack.refresh()

    said = stack.fail(**custom(BAD))

    image = stack.config["model"]["image"]["custom"]
    assert image["url"] == found
    assert image.get("credentials") == ({"username": "u1", "password": "pull-pass-1"} if is_its_own else None)
    assert "The previous configuration was put back and serves again" in said
    assert "without the credentials" not in said


@pytest.mark.fault(36)
def test_the_same_account_of_the_same_registry_signs_in_again(
    make: Make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password whose source was renamed is the one that the account has now."""
    older, newer = (f"registry-a.example.org/acme/server:{number}" for number in (1, 2))
    monkeypatch.setenv("A_PW", "password-of-a")
    stack = make(**BARE, **custom(older, source="A_PW"))
    monkeypatch.delenv("A_PW")
    monkeypatch.setenv("NEW_PW", "password-of-a")
    world.mutate("tiny", behaviour={"stream": "empty", "only": newer})

    said = stack.fail(**custom(newer, source="NEW_PW"))

    image = stack.config["model"]["image"]["custom"]
    assert (image["url"], image["credentials"]) == (older, {"username": "u1", "password": "password-of-a"})
    assert "without the credentials" not in said


@pytest.mark.fault(36)
def test_a_registry_that_left_and_comes_back_with_another_password(
    make: Make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its old mark stays behind and disturbs nobody."""
    stack = make(**BARE, **custom(), **NEVER)
    monkeypatch.setenv("P", "pull-pass-2")
    stack.bring()
    public = {"engine": {"type": "custom", "image": "docker.io/acme/server:1"}}
    stack.bring(**public)
    assert "credentials" not in stack.config["model"]["image"]["custom"]
    stack.refresh()
    assert stack.reasons(**public) == []

    monkeypatch.setenv("P", "pull-pass-3")
    stack.bring()

    credentials = stack.config["model"]["image"]["custom"]["credentials"]
    assert credentials == {"username": "u1", "password": "pull-pass-3"}
    stack.refresh()
    assert (stack.reasons(), len(stack.tags("hfd-r-"))) == ([], 1)


@pytest.mark.fault(13, 36)
def test_a_first_rollout_that_fails_again_and_again_keeps_its_secrets(
    make: Make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No state has their digests: each run in a process of its own sends them once, beside one mark."""
    never = {"max_new_tokens": 4, "expect": "^never$"}
    stack = make(is_live=False, **ONE_SECRET, verify=never, rollout={"on_create_failure": "keep"})
    sent = []
    for _ in range(3):
        assert "was kept as it is" in stack.fail()
        memory._posted.clear()  # another process knows of no POST
        sent.append(len(puts(world)))
        assert stack.config["model"]["secrets"] == {"A": "one1one1"}
        assert len(stack.tags("hfd-s-")) <= 1

    assert sent == [0, 1, 2]
    stack.bring(verify={"max_new_tokens": 4})
    assert stack.reasons(verify={"max_new_tokens": 4}) == []


@pytest.mark.fault(14, 36)
def test_a_takeover_that_failed_is_tried_again_when_the_spec_says_so(
    make: Make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a state nobody can see that the secret was mended: it is refused, and the way out works."""
    monkeypatch.setenv("K", "wrong-value")
    fields = seeded(world, served(GOOD))
    world.mutate("tiny", behaviour={"stream": "empty", "only": BAD})
    stack = make(is_live=False, **fields, **ONE_SECRET, **tgi(BAD))
    stack.fail()
    world.mutate("tiny", behaviour={})
    monkeypatch.setenv("K", "right-value")
    before = len(puts(world))

    assert "raise rollout.attempt (now 1) to try it once more" in stack.fail()
    assert len(puts(world)) == before
    stack.bring(rollout={"attempt": 2})

    assert (stack.image, stack.config["model"]["secrets"]) == (BAD, {"A": "right-value"})


@pytest.mark.fault(36)
@pytest.mark.parametrize("is_refreshed", [False, True])
def test_old_values_that_are_wanted_again_are_sent_again(
    make: Make, world: Running, monkeypatch: pytest.MonkeyPatch, is_refreshed: bool
) -> None:
    """The state has their digests already; only the mark, and the note of the run, say that others are live."""
    stack = make(**ONE_SECRET)
    world.mutate("tiny", behaviour={"stream": "empty"})
    monkeypatch.setenv("K", "two2two2")
    assert "Only secrets are other than in the configuration that was last proved (A)" in stack.fail()
    assert stack.config["model"]["secrets"] == {"A": "two2two2"}
    world.mutate("tiny", behaviour={})
    monkeypatch.setenv("K", "one1one1")
    if is_refreshed:
        stack.refresh()

    assert stack.reasons() == (["secrets", "verify"] if is_refreshed else ["verify"])
    stack.bring()

    assert stack.config["model"]["secrets"] == {"A": "one1one1"}
    assert stack.reasons() == []
