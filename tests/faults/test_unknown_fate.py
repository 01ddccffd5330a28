"""Seven kinds of lost answers at each request of a create and of its rollout: one endpoint, and it is live.

Too long for every test run: silence lasts as long as the deadline of a call. All cases run side by side in one plugin
process, each in a namespace of its own.
"""

from pathlib import Path
from typing import Any

import pytest
from control_plane import OWNER, Running
from existence import UNCLEAR, blind_posts, bring, existing, in_parallel, of, seen, wanted
from plugin_process import running_plugin
from plugin_stack import config

pytest_plugins = ["project"]

KINDS: dict[str, dict[str, Any]] = {
    **{kind: UNCLEAR[kind] for kind in ("500", "500 after the commit", "503", "reset", "half a body")},
    "silence": {"kind": "hang"},
    "silence after the commit": {"kind": "hang", "commit": True},
}
REQUESTS = 9
"""Of the management API about one endpoint in a create and a rollout: look, hardware, POST, look, lists, replicas."""


@pytest.mark.fault(3, 8)
def test_a_lost_answer_anywhere_leaves_one_endpoint(world: Running, tmp_path: Path, record_property: Any) -> None:
    """Never two, never none that the run believes in, and no POST that follows another one blindly."""
    cases = {
        f"case-{number:03}": (kind, ordinal)
        for number, (kind, ordinal) in enumerate((kind, ordinal) for kind in KINDS for ordinal in range(REQUESTS))
    }
    world.set(accounts={OWNER: {"user": "founder", "organisations": ["acme", *cases], "accepted": []}})
    world.set(request_log_size=100_000)
    for namespace, (kind, ordinal) in cases.items():
        world.fault(path=f"/v2/*{namespace}*", skip=ordinal, **KINDS[kind])

    with running_plugin(config(world), folder=tmp_path) as plugin:
        ended = in_parallel([lambda one=one: bring(plugin, wanted(one)) for one in cases])

    world._script("DELETE", "/faults")
    hit = {one["path"].split("/")[3] for one in world.requests() if one["faults"]}
    for namespace, (identity, runs) in zip(cases, ended, strict=True):
        case = (namespace, cases[namespace])
        assert len(existing(world, namespace)) == 1, case
        assert identity.outs["generation"] == seen(world, namespace)["status"]["createdAt"], case
        assert blind_posts(world, namespace) == 0, case
        assert len([one for one in of(world, namespace, "POST") if one["status"] == 200]) <= 1, case
        assert runs <= 2, case
        assert seen(world, namespace)["status"]["state"] == "running", case
    assert len(hit) >= len(KINDS) * 5, "most of the faults have to meet a request"
    record_property("faults", len(hit))
    record_property("orphans", 0)
