"""What a plan is judged by beside its specs: an organisation's policy, the day, the secrets that are set here."""

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from hfdeploy import settings
from hfdeploy.cli import terminal
from hfdeploy.cli.program import Program
from hfdeploy.errors import UsageError
from hfdeploy.lock import Lock
from hfdeploy.policy import LoadedPolicy, read_policy
from hfdeploy.review import Budget, Mend, Review, mends, ruled
from hfdeploy.spec import FromConfig, FromEnv, LoadedSpec, SecretSource

PolicyOption: TypeAlias = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="Judge by this policy.yaml (else the stack's).")
]
FixOption: TypeAlias = Annotated[
    bool, typer.Option("--fix", help="Write old names and locked revisions into the specs as they should be.")
]


@dataclass(frozen=True, slots=True)
class Ruling:
    """How the reviews of one run are judged."""

    policy: LoadedPolicy | None
    today: date
    is_set: Callable[[SecretSource], bool] | None
    budget: Budget | None = None

    def over(self, review: Review, loaded: Sequence[LoadedSpec], lock: Lock) -> Review:
        """The review with every rule applied."""
        return ruled(
            review,
            loaded,
            lock=lock,
            today=self.today,
            policy=self.policy,
            is_set=self.is_set,
            budget=self.budget,
        )

    def remind(self, review: Review) -> None:
        """Say that nobody was asked for an agreement because nothing was compared."""
        if self.policy and self.policy.policy.approvals and not review.against:
            groups = ", ".join(one.group for one in self.policy.policy.approvals)
            terminal.note(f"Whether {groups} must approve is not judged: --against says what gets dearer.")

    def mend(self, review: Review, loaded: Sequence[LoadedSpec], lock: Lock) -> None:
        """Change the files of the specs where that settles a finding, and say what was changed.

        Raises:
            UsageError: a file cannot be changed safely, or not at all; the others are changed.
        """
        refused: list[str] = []
        files: dict[str, list[Mend]] = {}
        for mend in mends(self.over(review, loaded, lock), loaded, lock):
            files.setdefault(mend.file, []).append(mend)
        for file, changes in files.items():
            try:
                _rewrite(Path(file), changes)
            except UsageError as problem:
                refused.append(f"{file}: {problem}")
            else:
                for mend in changes:
                    terminal.note(f"{mend}.")
        if refused:
            raise UsageError("\n".join(refused))
        if not files:
            terminal.note("Nothing to mend.")


def ruling(file: Path | None, stack: str | None, program: Path) -> Ruling:
    """What this run is judged by: a policy that is named, else that of the stack, and the stack's own budget.

    Which secrets are set is asked only where a stack is named: a review without one is the same on every machine.

    Raises:
        UsageError, SpecError: the policy or the budget is not there, or is wrong.
    """
    chosen = Program(program, stack) if stack else None
    if file is None and chosen and (named := chosen.config(with_secrets=False).get("hfdeploy:policy")):
        file = Path(os.path.normpath(program / named))
    return Ruling(
        read_policy(file) if file else None, datetime.now(UTC).date(), _sources_of(chosen), _budget_of(chosen)
    )


def _budget_of(chosen: Program | None) -> Budget | None:
    most = settings.load_budget(chosen.config(with_secrets=False)) if chosen else None
    return Budget(most, *settings.budget_place(chosen.file)) if chosen and most is not None else None


def _sources_of(chosen: Program | None) -> Callable[[SecretSource], bool] | None:
    if chosen is None:
        return None
    stack, project = chosen.document(), chosen.project()
    own = str(project.get("name", ""))
    keys = {_whole(str(key), own) for part in (stack, project) for key in part.get("config") or {}}

    def is_set(source: SecretSource) -> bool:
        match source:
            case FromEnv():
                return settings.secret_value(source) is not None
            case FromConfig(from_config=key):
                # An environment of Pulumi ESC may hold any key, and only the engine can ask it.
                return "environment" in stack or _whole(key, own) in keys

    return is_set


def _whole(key: str, project: str) -> str:
    """A key with its namespace, which is the project's where it has none."""
    return key if ":" in key else f"{project}:{key}"


def _rewrite(file: Path, changes: Sequence[Mend]) -> None:
    """Replace a file by its mended text in one step, with its mode; links stay links."""
    target = file.resolve()
    try:
        # Bytes, since text mode would make line ends of another system ours.
        text = target.read_bytes().decode("utf-8")
        for mend in changes:
            text = mend.edited(text)
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as written:
            written.write(text.encode("utf-8"))
        Path(written.name).chmod(target.stat().st_mode & 0o7777)
        Path(written.name).replace(target)
    except OSError as error:
        raise UsageError(f"It cannot be changed: {error.strerror or 'the system refuses'}.") from None
