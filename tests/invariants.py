"""What must hold after whatever happened, as code: each function returns sentences, none where all is well.

I1 one endpoint per resource · I2 every endpoint of ours in the state or found by `orphans` · I3 nothing of others
touched · I4 no canary anywhere · I5 the state loads · I6 nothing to do after success · I7 at most one request after a
401 · I8 at most one POST per endpoint that came of it · G no green over a bad one · W nothing wiped · S no stuck
re-run · R what served before serves again after an update that failed · O no orphan after a green `destroy`.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from control_plane import Running
from plugin_host import Host
from reconcile import NAMESPACE, Run, Stack

from hfdeploy.catalog import Catalog
from hfdeploy.client import connect
from hfdeploy.orphans import find_tagged, sweep
from hfdeploy.settings import load

TOKEN: Final = "hf_canaryTokenWxYz0123456789abcdef"
SECRETS: Final[Mapping[str, str]] = {"THE_KEY": "canary-secret-6f1d", "REGISTRY_PASSWORD": "canary-password-9a2e"}
ACCOUNTS: Final = {TOKEN: {"user": "founder", "organisations": [NAMESPACE], "accepted": []}}
"""The canary is a token that works, so that it really travels."""

OWNER_TAG: Final = "hfd-o-"
LOGICAL_TAG: Final = "hfd-l-"
MANAGEMENT: Final = ("/v2/", "/v3/")
UNCHANGED: Final = ("config", "identity", "created", "created_by", "updated", "updated_by", "state")
"""Of somebody else's endpoint; time alone changes the rest."""


@dataclass(frozen=True)
class Violation:
    """One broken promise: the invariant's letter and what was seen."""

    rule: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.sentence}"


@dataclass
class Others:
    """Endpoints that are not ours, as they were when they appeared."""

    world: Running
    before: dict[str, str] = field(default_factory=dict)

    def note(self, name: str) -> None:
        """Remember somebody else's endpoint from now on; callable on the emulator's own event loop."""
        record = self.world.app.world.store.get(NAMESPACE, name)
        self.before[name] = _frozen({**record.dump(), "state": record.state})

    def touched(self, *, taken: tuple[str, int] | None = None) -> list[Violation]:
        """I3, byte by byte.

        `taken` is an endpoint of ours that somebody replaced, and the request number before which. The API has no
        conditional write: one write whose look came before then is let go.
        """
        found = []
        for name, before in self.before.items():
            if taken is not None and name == taken[0] and self._was_under_way(*taken):
                continue
            record = self.world.app.world.store.find(NAMESPACE, name)
            if record is None:
                found.append(Violation("I3", f"{name}, which is somebody else's, is gone"))
            elif _frozen({**record.dump(), "state": record.state}) != before:
                found.append(Violation("I3", f"{name}, which is somebody else's, was changed"))
        return found

    def _was_under_way(self, name: str, at: int) -> bool:
        requests, path = self.world.requests(at - 1), f"/v2/endpoint/{NAMESPACE}/{name}"
        written = [one for one in requests if one["method"] != "GET" and one["path"].startswith(path)]
        deletions = [place for place, one in enumerate(written) if one["method"] == "DELETE" and one["status"] < 300]
        # Once it is deleted, what has its name is another endpoint.
        writes = [one["number"] for one in written[: deletions[0] + 1 if deletions else None]]
        places = {path, f"/v2/endpoint/{NAMESPACE}"}
        looks = [one["number"] for one in requests if one["method"] == "GET" and one["path"] in places]
        is_unseen = bool(writes) and not any(look < writes[0] for look in looks)
        return is_unseen and (len(writes) == 1 or self._is_let_go(name, writes[1:]))

    def _is_let_go(self, name: str, later: list[int]) -> bool:
        """Whether all that was written afterwards is our tags taken off again."""
        bodies = [one["body"] for one in self.world.requests() if one["number"] in later]
        tags = self.world.app.world.store.get(NAMESPACE, name).dump()["config"]["tags"]
        return all(set(body or {"": 0}) == {"tags"} for body in bodies) and not any(
            tag.startswith("hfd-") for tag in tags
        )


def _frozen(dump: Mapping[str, Any]) -> str:
    return json.dumps({key: dump[key] for key in UNCHANGED}, sort_keys=True)


def endpoints(world: Running) -> dict[str, dict[str, Any]]:
    """Everything alive in the namespace, with its inside."""
    items = world._script("GET", "/endpoints")["items"]
    return {one["name"]: world.inner(one["name"]) for one in items if one["namespace"] == NAMESPACE}


def tagged(alive: Mapping[str, Mapping[str, Any]], owner: str | None) -> list[str]:
    """Those with this owner's tag."""
    return [name for name, one in alive.items() if f"{OWNER_TAG}{owner}" in one["config"]["tags"]]


def known(world: Running, stack: Stack, others: Others, *, excused: Iterable[str] = ()) -> list[Violation]:
    """I1 and I2. `excused` are endpoints whose tag somebody took off: they are nobody's to find."""
    alive = endpoints(world)
    ours = set(alive) - set(others.before) - set(excused)
    logical = Counter(tag for name in ours for tag in alive[name]["config"]["tags"] if tag.startswith(LOGICAL_TAG))
    found = [Violation("I1", f"{count} endpoints carry {tag}") for tag, count in logical.items() if count > 1]
    in_state = {held.outs["name"] for held in stack.state.values() if held.kind == "identity"}
    orphans = set(orphaned(world, stack))
    unknown = ours - in_state - orphans
    return found + [Violation("I2", f"{name} is alive, ours, and nobody knows it") for name in sorted(unknown)]


def orphaned(world: Running, stack: Stack, *, remove: bool = False) -> list[str]:
    """What `hfdeploy orphans` would list; with `remove`, what its `--delete` then removes."""
    if stack.owner is None:
        return []
    values = {"hfdeploy:apiUrl": world.url, "hfdeploy:hubUrl": world.url, "hfdeploy:token": TOKEN}
    generations = {held.outs["generation"] for held in stack.state.values() if held.kind == "identity"}
    with connect(load(values, {})) as api:
        listed = find_tagged(api, stack.owner, [NAMESPACE], catalog=lambda _namespace: Catalog.snapshot())
        found = [one for one in listed if one.generation not in generations]
        if remove:
            assert sweep(api, found, owner=stack.owner) == {}
    return [one.name for one in found]


def nothing_leaked(stack: Stack, host: Host, runs: Sequence[Run]) -> list[Violation]:
    """I4: the state, what was shown, what was raised, standard error and the evidence, in the usual disguises."""
    places = {
        "the state": stack.saved(),
        "the lines shown": "\n".join(host.said),
        "the errors": "\n".join(error for run in runs for error in run.errors),
        **{str(file): file.read_text(errors="replace") for file in host.folder.rglob("*") if file.is_file()},
    }
    return [
        Violation("I4", f"{name} is in {place} as {form[:12]}…")
        for place, text in places.items()
        for name, canary in {"the token": TOKEN, **SECRETS}.items()
        for form in _disguises(canary)
        if form in text
    ]


def _disguises(canary: str) -> list[str]:
    encoded = base64.b64encode(canary.encode()).decode().rstrip("=")
    return list(dict.fromkeys([canary, encoded, quote(canary, safe=""), canary.encode().hex()]))


def loads(stack: Stack) -> list[Violation]:
    """I5: what the engine and a `destroy` need is there in every resource, as JSON."""
    found = []
    for held in json.loads(stack.saved()):
        needed = {"guard": ["owner"], "identity": ["name", "namespace", "owner", "generation"], "endpoint": ["spec"]}
        missing = [key for key in needed[held["kind"]] if not held["outs"].get(key)]
        if missing or not held["id"]:
            found.append(Violation("I5", f"{held['kind']} {held['name']} lacks {', '.join(missing) or 'an id'}"))
    return found


def nothing_to_do(stack: Stack, specs: Mapping[str, Any]) -> list[Violation]:
    """I6."""
    return [Violation("I6", change) for change in stack.preview(specs)]


def stops_at_401(requests: Sequence[Mapping[str, Any]]) -> list[Violation]:
    """I7, for the requests of one run: a 401 may be a glitch, two in a row are an answer."""
    statuses = [one["status"] for one in requests if one["path"].startswith(MANAGEMENT)]
    in_a_row = longest = 0
    for status in statuses:
        in_a_row = in_a_row + 1 if status == 401 else 0
        longest = max(longest, in_a_row)
    return [Violation("I7", f"{longest} requests in a row were answered 401")] if longest > 2 else []


def posts_once(
    requests: Sequence[Mapping[str, Any]], carried_out: Mapping[int, bool], freed: Mapping[str, int]
) -> list[Violation]:
    """I8: while an endpoint that our POST made is there, nobody POSTs its name again.

    `carried_out` says of faulted requests, by number, whether they were; `freed` has the request number at which
    somebody else took an endpoint of a name away.
    """
    made: dict[str, int] = {}
    found = []
    for one in requests:
        number, path = one["number"], one["path"]
        if one["method"] == "DELETE":
            made.pop(path.rpartition("/")[2], None)
        if one["method"] != "POST" or path != f"/v2/endpoint/{NAMESPACE}":
            continue
        name = one["body"]["name"]
        if name in made and not made[name] <= freed.get(name, -1) <= number:
            found.append(Violation("I8", f"request {number} POSTs {name}, which request {made[name]} had made"))
        if carried_out.get(number, one["status"] is not None and one["status"] < 300):
            made[name] = number
    return found


def _served(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a spec that a proof is of: not who may call, how many replicas, and labels."""
    return {name: value for name, value in spec.items() if name not in {"security", "autoscaling", "tags"}}


def as_asked(
    world: Running, stack: Stack, specs: Mapping[str, Any], *, bad: Iterable[str] = (), may_be_paused: bool = False
) -> list[Violation]:
    """G and W after a green run: what is live is what was asked, serves, and nothing it needs is missing."""
    alive, found = endpoints(world), []
    for name, spec in specs.items():
        if ("endpoint", name) not in stack.state:
            found.append(Violation("G", f"{name} was never brought live, and the run was green"))
            continue
        outs = stack.outs("endpoint", name)
        is_paused = name in alive and alive[name]["state"] == "paused" and may_be_paused
        if is_paused and outs["verdict"] == "passed" and _served(outs["declared"]) != _served(outs["spec"]):
            found.append(Violation("G", f"{name} is paused with a change that nobody proved, and is called passed"))
        elif name in bad and is_paused:
            continue
        elif name in bad:
            found.append(Violation("G", f"{name} does not work, and the run was green"))
        elif name not in alive:
            found.append(Violation("G", f"{name} does not exist, and the run was green"))
        else:
            paused = alive[name]["state"] == "paused"
            found += _differences(name, spec, alive[name], is_paused=paused)
            if alive[name]["state"] not in {"running", "scaledToZero"} and not (paused and may_be_paused):
                found.append(Violation("G", f"{name} is {alive[name]['state']}, and the run was green"))
            if not paused and stack.outs("endpoint", name)["verdict"] != "passed":
                found.append(Violation("G", f"{name} is {stack.outs('endpoint', name)['verdict']}, and it was green"))
    return found


def restored(world: Running, before: Mapping[str, Any], name: str) -> list[Violation]:
    """R: an update that failed left what served before."""
    inner = endpoints(world).get(name)
    if inner is None:
        return [Violation("R", f"{name} is gone after a failed update")]
    found = [Violation("R", one.sentence) for one in _differences(name, before, inner, is_paused=False)]
    if inner["state"] not in {"running", "scaledToZero"}:
        found.append(Violation("R", f"{name} is {inner['state']} after a failed update"))
    return found


def _differences(name: str, spec: Mapping[str, Any], inner: Mapping[str, Any], *, is_paused: bool) -> list[Violation]:
    config = inner["config"]
    model, scaling = config["model"], config["compute"]["scaling"]
    variant = next(iter(model["image"].values()))
    instance = f"{config['compute']['instanceType']} {config['compute']['instanceSize']}"
    told = {
        "repository": (model["repository"], spec["repository"]),
        "instance": (instance, spec["instance"]),
        "region": (config["provider"]["region"], spec["region"]),
        "max replicas": (scaling["maxReplica"], spec.get("autoscaling", {}).get("max", 1)),
        "security": (config["type"], spec.get("security", "private")),
    }
    if image := spec["engine"].get("image"):
        told["image"] = (variant["url"], image)
    kept = {
        "env": (model["env"], spec.get("env", {})),
        "secrets": (model.get("secrets") or {}, {key: SECRETS[one["from_env"]] for key, one in _sources(spec).items()}),
        "tags": ([tag for tag in config["tags"] if not tag.startswith("hfd-")], spec.get("tags", [])),
    }
    if registry := spec["engine"].get("registry"):
        password = SECRETS[registry["password"]["from_env"]]
        kept["credentials"] = (
            variant.get("credentials"),
            {"username": registry["username"], "password": password},
        )
    found = [
        Violation("G", f"{name}: {what} is {live!r}, asked for {asked!r}")
        for what, (live, asked) in told.items()
        if live != asked
    ]
    found += [
        Violation("W", f"{name}: {what} is {live!r}, asked for {asked!r}")
        for what, (live, asked) in kept.items()
        if live != asked
    ]
    if not is_paused and inner["served"] is not None and inner["served"]["model"] != model:
        found.append(Violation("G", f"{name} serves another configuration than it shows"))
    return found


def _sources(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    sources: Mapping[str, Any] = spec.get("secrets", {})
    return sources
