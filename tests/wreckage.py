"""What a kill left behind: the two ways on from it, and what has to be true at the end of each."""

import hashlib
import json
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from command_line import run, surroundings
from control_plane import Running
from killing import BYSTANDERS, GOOD, MOST_REQUESTS, OPERATIONS, Operation, Point, Stage, names
from project import ENDPOINT, IDENTITY


class Wrong(AssertionError):
    """What a kill must not lead to."""


class Scene(Stage):
    """A stack killed and repaired again and again. `known` holds the kinds of wreck that were repaired."""

    def __init__(self, folder: Path, world: Running, known: Path) -> None:
        super().__init__(folder, world)
        self.known = known
        self._bystanders = self._others()
        self.orphans = self.false_successes = self.repaired = self.unreadable = 0

    def tell(self, line: str) -> None:
        """Append to `points.log` beside the known wrecks: a sweep of many minutes wants to be followed."""
        with (self.known.parent / "points.log").open("a") as file:
            file.write(f"{line}\n")

    def examine(self, point: Point) -> None:
        """Both ways on from a wreck: run again, and, from the same wreck, destroy at once.

        Raises:
            Wrong: something is left, or double, or green and not proved, or somebody else's was touched.
        """
        operation = OPERATIONS[point.operation]
        wreck = self.keep("wreck")
        known = self.known / hashlib.sha256(f"{operation}{self._kind()}".encode()).hexdigest()
        if not known.exists():
            self._run_again(operation)
            self.clear()
            self.put_back(wreck)
            self._give_up()
            known.touch()
            self.repaired += 1
        self.clear()

    def _unlock(self) -> None:
        for file in (self.project.folder / "state/.pulumi/stacks").rglob("*.attrs"):
            if not file.stat().st_size:
                # What `failed to load checkpoint: EOF` comes from; the checkpoint itself is whole.
                file.unlink()
                self.unreadable += 1
        if list((self.project.folder / "state/.pulumi/locks").rglob("*.json")):
            self.project.pulumi("cancel", "--yes")

    def _run_again(self, operation: Operation) -> None:
        self._unlock()
        if operation.fails:
            shown = self.project.up(code=None)
            if "error:" not in shown or _image(self.world) != GOOD:
                self.false_successes += 1
                raise Wrong(f"the configuration that failed is left live, or not told of:\n{shown}")
            self.write()
        self.project.up()
        self._require_live(dict(operation.spec) if not operation.fails else {})
        self.project.up("--expect-no-changes")
        self._require_untouched()

    def _require_live(self, wanted: dict[str, Any]) -> None:
        if names(self.world) != sorted(["tiny", *BYSTANDERS]):
            raise Wrong(f"the service has {names(self.world)}")
        live, resources = self.world.get("tiny"), self._resources()
        kinds = sorted(one["type"] for one in resources if one["type"] in {ENDPOINT, IDENTITY})
        if kinds != sorted([ENDPOINT, IDENTITY]):
            raise Wrong(f"the state has {kinds}")
        outputs = next(one["outputs"] for one in resources if one["type"] == ENDPOINT)
        facts = {
            "verdict": (outputs["verdict"], "passed"),
            "generation": (outputs["generation"], live["status"]["createdAt"]),
            "state": (live["status"]["state"], "running"),
            "env": (live["model"].get("env", {}), wanted.get("env", {})),
            "region": (live["provider"]["region"], wanted.get("region", "us-east-1")),
            "image": (_image(self.world), GOOD),
        }
        if wrong := {name: pair for name, pair in facts.items() if pair[0] != pair[1]}:
            self.false_successes += 1
            raise Wrong(f"green, but (is, must be): {wrong}")
        self._require_proof()

    def _require_proof(self) -> None:
        """A prompt was streamed to its end after the last request that changed what serves."""
        numbered = self.world.requests()
        changed = [
            number
            for number, one in enumerate(numbered)
            if one["path"].startswith("/v2/endpoint/")
            and one["method"] in {"POST", "PUT"}
            and {"model", "compute", "name"} & set(one["body"] or {})
        ]
        proofs = [
            number
            for number, one in enumerate(numbered)
            if one["path"].endswith("/generate_stream") and one["status"] == 200 and not one["faults"]
        ]
        if changed and (not proofs or proofs[-1] < changed[-1]):
            self.false_successes += 1
            raise Wrong("green, but no prompt was streamed since the last change")

    def _give_up(self) -> None:
        self._unlock()
        ended = self.project.pulumi("destroy", "--yes", "--skip-preview", "--run-program=false", code=None)
        left = [name for name in names(self.world) if name not in BYSTANDERS]
        if ended.returncode == 0 and left:
            self.false_successes += 1
            raise Wrong(f"destroy ended green and left {left}:\n{ended.stdout}{ended.stderr}")
        if ended.returncode:
            said = self._sweep(left)
            again = self.project.pulumi("destroy", "--yes", "--skip-preview", "--run-program=false", code=None)
            left = [name for name in names(self.world) if name not in BYSTANDERS]
            if again.returncode or left:
                self.orphans += len(left)
                raise Wrong(f"the second destroy left {left}:\n{said}\n{ended.stdout}{again.stdout}{again.stderr}")
        self._require_untouched()

    def _sweep(self, left: list[str]) -> str:
        """What `hfdeploy orphans --delete` says, which the failed destroy advised."""
        env = surroundings(PULUMI_BACKEND_URL=self.project.environment["PULUMI_BACKEND_URL"])
        env |= {"PULUMI_CONFIG_PASSPHRASE": "", "PATH": self.project.environment["PATH"]}
        places = [f"acme/{name}" for name in left]
        ended = run("orphans", "--stack", "test", "--delete", "--yes", *places, cwd=self.project.folder, env=env)
        return ended.stdout + ended.stderr

    def _require_untouched(self) -> None:
        if self._others() != self._bystanders:
            raise Wrong(f"somebody else's endpoint is not what it was:\n{self._bystanders}\n{self._others()}")

    def _others(self) -> dict[str, str]:
        return {name: self.world.owner.get(f"/v2/endpoint/acme/{name}").text for name in BYSTANDERS}

    def _resources(self) -> list[dict[str, Any]]:
        file = self.project.folder / "state/.pulumi/stacks/hfdeploy/test.json"
        latest = json.loads(file.read_text())["checkpoint"]["latest"] or {}
        found: list[dict[str, Any]] = latest.get("resources", [])
        return found

    def _kind(self) -> str:
        """The wreck without times, measurements and what is random."""
        file = self.project.folder / "state/.pulumi/stacks/hfdeploy/test.json"
        latest = json.loads(file.read_text())["checkpoint"]["latest"] or {}
        state = {key: latest.get(key) for key in ("resources", "pending_operations")}
        live = [self.world.get(name) for name in names(self.world) if name not in BYSTANDERS]
        text = json.dumps([state, live, sorted(one.name for one in file.parent.iterdir())], sort_keys=True)
        for pattern in _RANDOM:
            text = re.sub(pattern, "…", text)
        return text


_RANDOM = (
    r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?",
    r'"(?:ciphertext|ttft_ms|tokens_per_s|id|url|created|modified|sequenceNumber)": [^,}]+',
    r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}",
    r"(?<![0-9a-f])[0-9a-f]{12}(?![0-9a-f])",
    r"\b\d{19}\b",
)


def _image(world: Running) -> str:
    return str(world.get("tiny")["model"]["image"]["tgi"]["url"])


def sweep(scene: Scene, start: Point) -> tuple[int, list[str]]:
    """Kill at every request of a run until one goes through; (kill points, what went wrong at which)."""
    wrong = []
    for number in range(MOST_REQUESTS):
        point = replace(start, number=number)
        began = time.monotonic()
        if not scene.strike(point):
            return number, wrong
        try:
            scene.examine(point)
        except AssertionError as error:
            scene.clear()
            wrong.append(f"{point}: {error}\nAgain: pytest tests/faults/test_kills.py --kill {point}")
        is_wrong = bool(wrong) and wrong[-1].startswith(f"{point}:")
        scene.tell(f"{point} {time.monotonic() - began:.1f} s{f'  WRONG {wrong[-1]}' if is_wrong else ''}")
    raise Wrong(f"{start}: {MOST_REQUESTS} requests and no end")
