"""The specs of a git revision, with the lock file of that revision: what a branch changes is its own change only."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from hfdeploy.baseline.git import Revision
from hfdeploy.baseline.target import Goal, Target
from hfdeploy.catalog import Hardware
from hfdeploy.diff import REPLACES, changed_fields, replaced
from hfdeploy.errors import Problem, UsageError
from hfdeploy.lock import FILE, Lock, pinned, read_locks
from hfdeploy.plan import make_plan
from hfdeploy.policy import RULES
from hfdeploy.review.change import Before, Change, Difference, of_hardware, of_plan
from hfdeploy.review.finding import Finding, Severity
from hfdeploy.spec import EndpointSpec, LoadedSpec, declare, read_specs
from hfdeploy.spec.folder import SUFFIXES


def against_revision(
    name: str, paths: Sequence[Path], target: Target, environment: Mapping[str, str], *, pattern: str | None = None
) -> Change:
    """What the specs change since a revision.

    `paths` are the files and folders of the specs as they are now, `pattern` a glob that they were found by: a file
    that it found then and does not find now is an endpoint that is removed.

    Raises:
        UsageError: no git repository, no such revision, or a lock file in it that cannot be read.
    """
    first = paths[0]
    revision = Revision.of(name, first if first.is_dir() else first.parent, environment)
    loaded, lock, problems = _read(revision, name, paths, pattern)
    before = {one.spec.name: _row(pinned(one.spec, lock), target) for one in loaded}
    differences = {goal.name: _difference(before.get(goal.name), goal) for goal in target.goals}
    found = [
        *(_unreadable(one) for one in problems),
        *_lost(name, target, lock, {one.spec.name: one for one in loaded}),
    ]
    return Change(name, before, differences, tuple(found))


def _row(spec: EndpointSpec, target: Target) -> Before:
    """An endpoint of then, on the hardware and at the prices that those of now are compared by."""
    namespace = spec.namespace or target.namespace
    declared = {**declare(spec), "namespace": namespace}
    try:
        return of_plan(make_plan(spec, target.catalog), namespace, declared)
    except UsageError:
        unknown = Hardware(vendor=spec.cloud, region=spec.region, instance_type="unknown", instance_size="unknown")
        bounds = (spec.autoscaling.min, spec.autoscaling.max)
        return of_hardware(spec.name, namespace, declared, unknown, bounds=bounds, idle_minutes=None)


def _difference(before: Before | None, after: Goal) -> Difference:
    if before is None:
        return Difference(after.declared)
    old, new = before.declared, after.declared
    return Difference(new, tuple(changed_fields(old, new)), tuple(replaced(old, new, REPLACES)))


def _lost(name: str, target: Target, lock: Lock, before: Mapping[str, LoadedSpec]) -> Iterator[Finding]:
    """What a change takes out of a lock file is its own doing, also where the endpoints themselves stay as they are."""
    folders: dict[Path, list[str]] = {}
    for goal in target.goals:
        old = before.get(goal.name)
        locked = lock.of(old.spec) if old else None
        if not goal.is_judged and locked is not None and locked.model is not None:
            folders.setdefault(goal.loaded.folder, []).append(goal.name)
    for folder, names in folders.items():
        sentence = (
            f"Memory: {FILE} said at {name} what the models of {', '.join(names)} are, and says it no more: "
            f"`hfdeploy lock` asks the Hub."
        )
        yield Finding("fit-unknown", Severity.WARNING, "", str(folder / FILE), 0, "", sentence, "Put it back.")


def _unreadable(problem: Problem) -> Finding:
    """No error: the change may be the one that puts it right."""
    sentence = f"{problem.message}. So this file could not be compared with, and its endpoint counts as new."
    rule = RULES["unreadable-before"]
    return Finding(rule.id, rule.severity, "", problem.file, problem.line, problem.field, sentence, rule.fix)


def _read(
    revision: Revision, shown: str, paths: Sequence[Path], pattern: str | None
) -> tuple[Sequence[LoadedSpec], Lock, Sequence[Problem]]:
    """The specs of then, what their models were locked to, and what is wrong with files named `main:specs/a.yaml`."""
    is_spec = _matching(revision, paths, pattern)
    every = revision.files()
    names = [name for name in every if is_spec(name)]
    if not names:
        return (), Lock(), ()
    locks = {str(PurePosixPath(name).parent / FILE) for name in names}
    with TemporaryDirectory(prefix="hfdeploy-") as folder:
        root = Path(folder)
        for name, content in revision.read([*names, *sorted(locks & set(every))]).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        loaded, problems = read_specs([root / name for name in names], root=root)
        told = [replace(one, file=f"{shown}:{one.file}") for one in problems]
        return loaded, read_locks(loaded), told


def _matching(revision: Revision, paths: Sequence[Path], pattern: str | None) -> Callable[[str], bool]:
    """Whether a file of the repository is a spec of this plan: as `read_specs` and `deploy()` would find it."""
    if pattern is not None:
        glob = revision.name_of(Path(os.path.normpath(pattern)))
        return lambda name: _matches(PurePosixPath(name).parts, PurePosixPath(glob).parts)
    files = {revision.name_of(path) for path in paths if not path.is_dir()}
    folders = {revision.name_of(path) for path in paths if path.is_dir()}

    def is_spec(name: str) -> bool:
        path = PurePosixPath(name)
        in_folder = path.suffix in SUFFIXES and not path.name.startswith(".") and str(path.parent) in folders
        return name in files or in_folder

    return is_spec


def _matches(parts: Sequence[str], glob: Sequence[str]) -> bool:
    """As `glob.glob` with `recursive=True`: a star stays in its folder, two of them go through any number."""
    if not glob:
        return not parts
    if glob[0] == "**":
        return any(_matches(parts[skipped:], glob[1:]) for skipped in range(len(parts) + 1))
    hides = bool(parts) and parts[0].startswith(".") and not glob[0].startswith(".")
    return bool(parts) and not hides and fnmatchcase(parts[0], glob[0]) and _matches(parts[1:], glob[1:])
