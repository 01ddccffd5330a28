"""The plan tells the truth: what it announces, what the engine previews and what the service then receives are one.

One stack of many endpoints goes through rounds. In each, every endpoint gets a live state (as the stack left it, or as
somebody changed it), the spec it had and the spec it gets: one triple. `PLAN_TRUTH=500 pytest tests/test_plan_truth.py`
(`make plan-truth`) runs 500 of them, `PLAN_TRUTH_SEED=7` other ones.
"""

import json
import os
import random
import subprocess
import sys
from collections import Counter, defaultdict
from typing import Any

from control_plane import Running
from project import SPEC, Project
from test_up import count

pytest_plugins = ["project"]

TRIPLES = int(os.environ.get("PLAN_TRUTH", "40"))
SEED = int(os.environ.get("PLAN_TRUTH_SEED", "20261121"))
ENDPOINTS = 50 if TRIPLES >= 500 else 20

PROPERTIES: dict[str, list[Any]] = {
    "autoscaling": [
        None,
        {"min": 0, "max": 1, "scale_to_zero_after": "15m"},
        {"min": 0, "max": 1, "scale_to_zero_after": "900s"},
        {"max": 2},
        {"min": 1, "max": 3},
        {"max": 2, "measure": {"pending_requests": 2}},
    ],
    "instance": ["nvidia-t4 x1", "GPU [small] · 1x Nvidia T4", {"type": "nvidia-t4", "size": "x1"}, "nvidia-l4 x1"],
    "security": ["private", None, "authenticated", "public"],
    "region": ["us-east-1"] * 4 + ["eu-west-1"],
    "env": [None, {}, {"LEVEL": "info"}, {"LEVEL": "debug", "MORE": "1"}],
    "tags": [None, ["team-a"], ["team-b", "team-a"]],
    "max_model_len": [2048, 1024],
    "args": [None, ["--trust-remote-code"]],
    "secrets": [None, {"KEY": {"from_env": "FIRST_KEY"}}, {"KEY": {"from_env": "SECOND_KEY"}}],
    "state": [None, None, "running"],
    "verify": [SPEC["verify"], {"max_new_tokens": 4}, {"max_new_tokens": 4, "when": "always"}, {"when": "never"}],
    "rollout": [None, {"timeout": "20m"}],
}
"""What a spec may say; some of it means the same in other words."""

BY_HAND: list[dict[str, Any]] = [
    {"compute": {"scaling": {"maxReplica": 4}}},
    {"type": "authenticated"},
    {"type": "private"},
    {"model": {"env": {"LEVEL": "debug", "MORE": "1"}}},
    {"model": {"env": {}}},
    {"model": {"args": ["--by-hand"]}},
    {"state": "paused"},
    {"state": "failed"},
    {"state": "updateFailed"},
    {"tags+": "by-hand"},
    {"gone": True},
]
"""What becomes of a live endpoint without the stack."""


class Specs:
    """What every endpoint of the stack is to be, round by round."""

    def __init__(self, project: Project, chance: random.Random) -> None:
        self.project, self.chance = project, chance
        self.now: dict[str, dict[str, Any]] = {}

    def change(self, name: str) -> str:
        """Another spec, or the same, or none; what was done."""
        spec, roll = self.now.get(name), self.chance.random()
        if spec is None:
            if roll < 0.25:
                return "none"
            self._write(name, {key: self.chance.choice(values) for key, values in PROPERTIES.items()})
            return "new"
        if roll < 0.1:
            self.project.drop(name)
            del self.now[name]
            return "dropped"
        if roll < 0.35:
            return "same"
        changed = self.chance.sample(sorted(PROPERTIES), self.chance.choice([1, 1, 2, 3]))
        self._write(name, {**spec, **{key: self.chance.choice(PROPERTIES[key]) for key in changed}})
        return "changed"

    def _write(self, name: str, spec: dict[str, Any]) -> None:
        if spec["region"] == "eu-west-1" and spec["instance"] == "nvidia-l4 x1":
            spec = {**spec, "instance": "nvidia-t4 x1"}  # what there is
        self.now[name] = spec
        public = {"acknowledge_public": name} if spec["security"] == "public" else {}
        self.project.spec(name, **spec, **public)


def meddle(world: Running, chance: random.Random, names: list[str]) -> Counter[str]:
    """Somebody's hand on some of what is live."""
    done: Counter[str] = Counter()
    for name in names:
        if chance.random() > 0.4:
            continue
        change = chance.choice(BY_HAND)
        if "gone" in change:
            world.owner.delete(f"/v2/endpoint/acme/{name}").raise_for_status()
        elif "tags+" in change:
            tags = world.inner(name)["config"]["tags"]
            world.mutate(name, by="alice", tags=[*tags, change["tags+"]])
        elif change.get("state") in {"failed", "updateFailed"} and world.state(name) == "paused":
            # The service gives up on nothing that is paused; what was sent meanwhile and never tried would count as
            # tried, and the plan says that such an `up` ends red (test_against_stack.py).
            continue
        else:
            world.mutate(name, by="alice", **change)
        done[next(iter(change))] += 1
    return done


def announced(project: Project, *options: str) -> dict[str, dict[str, Any]]:
    """What `hfdeploy plan --against state` says of each endpoint."""
    command = [sys.executable, "-m", "hfdeploy.cli", "plan", "--stack", "test", "--program", str(project.stacks)]
    done = subprocess.run(
        [*command, "--against", "state", "--format", "json", *options],
        env={**project.environment, **KEYS},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr}"
    return {one["endpoint"]: one for one in json.loads(done.stdout)["changes"]}


def previewed(project: Project, *options: str) -> dict[str, str]:
    """What the engine announces of each endpoint that changes, its two resources taken together."""
    steps = json.loads(project.pulumi("preview", "--json", *options, **KEYS).stdout)["steps"]
    ops: dict[str, dict[str, str]] = defaultdict(dict)
    for step in steps:
        *_, path, name = step["urn"].split("::")
        kind = path.rpartition(":")[2]
        if step["op"] != "refresh" and kind in {"EndpointIdentity", "InferenceEndpoint"}:
            ops[name][kind] = step["op"]
    actions = {
        name: _action(found.get("EndpointIdentity", "same"), found.get("InferenceEndpoint", "same"))
        for name, found in ops.items()
    }
    return {name: action for name, action in actions.items() if action != "unchanged"}


def _action(existence: str, configuration: str) -> str:
    if existence != "same":
        return existence
    return "unchanged" if configuration == "same" else "update"


def changed(plan: dict[str, dict[str, Any]]) -> dict[str, str]:
    """What a plan does to each endpoint that changes."""
    return {name: one["action"] for name, one in plan.items() if one["action"] != "unchanged"}


def differing(announced: dict[str, Any], found: dict[str, Any], plan: dict[str, Any]) -> dict[str, Any]:
    """What is not as announced, with all that was said of it."""
    return {
        name: (announced.get(name), found.get(name), plan.get(name))
        for name in announced.keys() | found.keys()
        if announced.get(name) != found.get(name)
    }


def received(world: Running, since: int) -> dict[str, list[str]]:
    """What changed something at the service, by endpoint; the data plane left out.

    What was refused did not: where quota is short, one endpoint asks again until another one has made room.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for one in world.requests(since):
        parts = one["path"].strip("/").split("/")
        is_accepted = one["status"] is None or one["status"] < 300
        if one["method"] == "GET" or parts[:2] != ["v2", "endpoint"] or not is_accepted:
            continue
        name = one["body"]["name"] if len(parts) == 3 else parts[3]
        found[name].append(parts[4] if len(parts) > 4 else one["method"])
    return dict(found)


KEYS = {"FIRST_KEY": "the-first-value", "SECOND_KEY": "the-second-value"}


def test_announced_previewed_and_received_are_the_same(world: Running, project: Project, record_property: Any) -> None:
    """For every triple of what is live, the old spec and the new one; both with a refresh and without."""
    chance = random.Random(SEED)  # noqa: S311 - the same triples again for the same seed
    project.configure(maxRemovals="1000")
    specs, names = Specs(project, chance), [f"e{number:02d}" for number in range(ENDPOINTS)]
    done, seen = 0, Counter[str]()
    print(f"seed {SEED}, {TRIPLES} triples")
    while done < TRIPLES:
        alive = sorted(item["name"] for item in world._script("GET", "/endpoints")["items"])
        seen += meddle(world, chance, alive)
        before = {name: specs.now.get(name) for name in names}
        for name in names:
            seen[specs.change(name)] += 1
        done += sum(1 for name in names if before[name] is not None or name in specs.now)
        since = count(world)

        offline, quiet = announced(project, "--offline"), previewed(project, "--refresh=false")
        plan, preview = announced(project), previewed(project)
        assert received(world, since) == {}, "looking at it changed something"
        project.up(**KEYS)
        sent = received(world, since)

        assert differing(changed(offline), quiet, offline) == {}
        assert differing(changed(plan), preview, plan) == {}
        announced_requests = {name: one["requests"] for name, one in plan.items() if one["requests"]}
        assert differing(announced_requests, sent, plan) == {}
        seen.update(one["action"] for one in plan.values())
        print(f"{done} triples: {dict(seen)}", flush=True)
    record_property("triples", done)
