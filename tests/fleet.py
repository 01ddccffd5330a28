"""Three hundred endpoints in a git repository, and a change that touches all of them: what reviews have to cope with.

`python tests/fleet.py` writes the reviews of docs/ anew.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hfdeploy.baseline.revision import against_revision
from hfdeploy.baseline.target import Target
from hfdeploy.catalog import Catalog, Quota
from hfdeploy.lock import FILE, read_lock
from hfdeploy.review import Review, own_change, review_specs, with_change
from hfdeploy.spec import read_specs

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SIZE = 300
BEFORE = "v1"
"""The tag of the commit before the change."""

MODELS = {
    "chat": ("Qwen/Qwen2.5-7B-Instruct", "vllm", "nvidia-a10g x1", 8192),
    "talk": ("tiiuae/falcon-40b-instruct", "tgi", "nvidia-a100 x1", 2048),
    "mini": ("HuggingFaceTB/SmolLM2-360M-Instruct", "vllm", "nvidia-t4 x1", 2048),
    "find": ("BAAI/bge-small-en-v1.5", "tei", "intel-spr x2", None),
}
TEAMS = ("search", "support", "legal", "sales", "research")


def write(folder: Path, *, is_after: bool) -> None:
    """The specs of before or after, with the lock file of the shipped ones."""
    folder.mkdir()
    shutil.copy(ROOT / "specs" / FILE, folder)
    for number in range(SIZE):
        for name, text in _spec(number, is_after=is_after):
            (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


def commit(folder: Path) -> Path:
    """A repository whose tag `v1` has the specs of before, and whose working tree has those of after."""
    folder.mkdir(parents=True, exist_ok=True)
    specs = folder / "specs"
    write(specs, is_after=False)
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message=before"], ["tag", BEFORE]):
        _git(folder, *words)
    shutil.rmtree(specs)
    write(specs, is_after=True)
    return specs


def reviewed(folder: Path, limit: int = 200, used: int = 180) -> Review:
    """The change reviewed with a quota: the same figure for every type, as the service repeats it."""
    specs = commit(folder)
    snapshot = Catalog.snapshot()
    quota = Quota(maxAccelerators=limit, usedAccelerators=used)
    today = replace(snapshot, rows=tuple(row.model_copy(update={"quota": quota}) for row in snapshot.rows))
    loaded, _ = read_specs([specs])
    lock = read_lock(specs / FILE)
    review = review_specs(loaded, snapshot, lock)
    target = Target.of(loaded, review.plans, lock, snapshot, "acme")
    change = against_revision(BEFORE, [specs], target, os.environ)
    return own_change(with_change(review, loaded, change, catalog=today, lock=lock, namespace="acme"))


def documents() -> Iterator[tuple[Path, str]]:
    """Every review of docs/, as the command prints it."""
    for form, suffix in (("markdown", "md"), ("html", "html")):
        yield DOCS / f"review.{suffix}", _printed(ROOT, "plan", "specs", "--format", form)
    with TemporaryDirectory() as folder:
        commit(Path(folder) / "fleet")
        for form, suffix in (("markdown", "md"), ("text", "txt")):
            words = ("plan", "specs", "--against", BEFORE, "--offline", "--format", form)
            yield DOCS / f"review-300.{suffix}", _printed(Path(folder) / "fleet", *words)


def _printed(folder: Path, *words: str) -> str:
    kept = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "HF_HOME": "/nonexistent", "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-m", "hfdeploy.cli", *words],
        cwd=folder,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode not in {0, 5}:
        raise RuntimeError(ended.stderr)
    return ended.stdout


def _spec(number: int, *, is_after: bool) -> Iterator[tuple[str, str]]:
    """One endpoint; which of them changes how is a matter of its number, so that it is the same each time."""
    kind = list(MODELS)[number % 4]
    repository, engine, instance, length = MODELS[kind]
    name = f"{TEAMS[number % 5]}-{kind}-{number:03}"
    lines = {"region": "us-east-1", "instance": instance, "min": 0, "max": 1 + number % 3, "security": "private"}
    quantize = "\n  quantize: bitsandbytes" if kind == "talk" else ""
    if is_after:
        match number % 25:
            case 0:  # gone
                return
            case 1:  # moved, which replaces it
                lines["region"] = "eu-west-1"
            case 2 if kind != "find":
                lines["security"] = "authenticated"
            case 3 | 4:
                lines["min"] = 1
            case 7 if kind == "talk":  # no longer made smaller, so that it does not fit
                quantize = ""
            case _:
                lines["max"] = 2 + number % 3
    elif number % 25 >= 22:  # new
        return
    scale = f"{{ min: {lines['min']}, max: {lines['max']} }}"
    yield (
        name,
        f"name: {name}\nrepository: {repository}\n"
        f"cloud: aws\nregion: {lines['region']}\ninstance: {lines['instance']}\n"
        f"autoscaling: {scale}\nsecurity: {lines['security']}\nengine:\n  type: {engine}{quantize}\n"
        + (f"max_model_len: {length}\n" if length else "")
        + f"tags: [{name.partition('-')[0]}]\n",
    )


def _git(folder: Path, *words: str) -> None:
    who = {f"GIT_{role}_{part}": value for role in ("AUTHOR", "COMMITTER") for part, value in
           (("NAME", "acme"), ("EMAIL", "acme@example.com"), ("DATE", "2026-01-01T00:00:00Z"))}  # fmt: skip
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "HOME": str(folder)}
    subprocess.run(["git", *words], cwd=folder, env={"PATH": os.environ["PATH"], **who, **alone}, check=True)


if __name__ == "__main__":
    for file, text in documents():
        file.write_text(text, encoding="utf-8")
