"""The stack's configuration in the plugin process: which keys are hfdeploy's, and which the program's own."""

from pathlib import Path

from control_plane import OWNER, Running
from hypothesis import given
from hypothesis import strategies as st
from plugin_process import running_plugin
from plugin_stack import SPEC, Stack

from hfdeploy.provider.session import Session

pytest_plugins = ["project"]

THEIRS = {
    "token": "ghp_a0token0of0another0service0000",
    "namespace": "somebody",
    "apiUrl": "https://api.another-service.example",
    "hubUrl": "https://hub.another-service.example",
    "drift": "report",
    "orphans": "delete",
    "maxRemovals": "100",
}
"""What a program of its own may keep under these names, for services of its own."""


def test_the_programs_own_keys_are_not_hfdeploys(world: Running, tmp_path: Path) -> None:
    """Another service's token would go out as the bearer token, ahead of HF_TOKEN."""
    theirs = {f"shop:{key}": THEIRS[key] for key in ("token", "namespace")}
    surroundings = {
        "HFDEPLOY_API_URL": world.url,
        "HF_ENDPOINT": world.url,
        "HFDEPLOY_NAMESPACE": "acme",
        "HF_TOKEN": OWNER,
    }

    with running_plugin(theirs, {**surroundings, "PULUMI_PROJECT": "shop"}, tmp_path) as plugin:
        stack = Stack(plugin, verify={"when": "never"})
        plugin.delete("endpoint", stack.endpoint)
        plugin.delete("identity", stack.identity)
        plugin.delete("guard", stack.guard)

    asked = [(one["method"], one["path"], one["status"]) for one in world.requests()]
    assert ("POST", "/v2/endpoint/acme", 200) in asked
    assert ("GET", "/v2/endpoint/acme", 200) in asked
    assert {status for *_, status in asked} <= {200, 202, 204, 404}


KEYS = st.sets(st.sampled_from(sorted(THEIRS)))


@given(theirs=KEYS, ours=KEYS)
def test_a_key_of_the_programs_own_changes_no_setting(theirs: set[str], ours: set[str]) -> None:
    """Whatever hfdeploy was told itself: a service, a name, a limit that it was not told is not to be found there."""
    told = {f"hfdeploy:{key}": THEIRS[key] for key in ours}
    # As `configure` hands them over: by their whole name and by the bare one.
    own = {name: f"of the program: {key}" for key in theirs for name in (key, f"shop:{key}")}

    with_own, without = Session({**own, **told}), Session(told)

    assert with_own.settings == without.settings
    assert with_own.safeguards == without.safeguards


def test_a_bare_key_of_a_secret_is_the_programs_own(world: Running, tmp_path: Path) -> None:
    """As in `pulumi config set --secret KEY`, also where hfdeploy has a key of that name."""
    ours = {"apiUrl": world.url, "hubUrl": world.url, "token": OWNER, "key": "hfdeploy's"}
    stack = {f"hfdeploy:{key}": value for key, value in ours.items()} | {"shop:key": "own", "other:key": "other's"}
    keys = {"A": "key", "B": "shop:key", "C": "other:key", "D": "hfdeploy:key"}
    with running_plugin(stack, {"PULUMI_PROJECT": "shop"}, tmp_path) as plugin:
        guard = plugin.create("guard", {"members": ["tiny"]})
        secrets = {name: {"from_config": key} for name, key in keys.items()}
        plugin.create("identity", {**SPEC, "secrets": secrets, "owner": guard.outs["owner"], "logical_name": "tiny"})

    sent = world.inner("tiny")["config"]["model"]["secrets"]
    assert sent == {"A": "own", "B": "own", "C": "other's", "D": "hfdeploy's"}
