"""lock: the file that lets a review judge without a network what fits."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hfdeploy.cli import terminal
from hfdeploy.cli.options import PROGRAM, ApiUrlOption, NamespaceOption, ProgramOption, StackOption
from hfdeploy.cli.paths import SpecsArgument, where_specs_are
from hfdeploy.cli.service import choose
from hfdeploy.errors import ApiError, AuthError, NotFound, Problem, SpecError
from hfdeploy.lock import FILE, Lock, Locked, gguf_of, key_of, read_lock, write_lock
from hfdeploy.settings import Settings
from hfdeploy.spec import LoadedSpec, load_specs


def lock(
    paths: SpecsArgument = None,
    stack: StackOption = None,
    program: ProgramOption = PROGRAM,
    namespace: NamespaceOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Write hfdeploy.lock.json beside the specs.

    The commit that each revision stands for now, the bytes of the weights and the shape of the model, read from the
    Hub: reviews judge by it, without a network, and the same commit of the specs is always judged the same. What
    cannot be read is written with the reason, said with its place in the spec, and ends the command with an error.
    Of a folder all that its specs do not use is taken out; single files, and those of a stack, leave other entries as
    they are.
    """
    chosen = choose(stack=stack, program=program, namespace=namespace, api_url=api_url)
    where = paths or where_specs_are(stack, program)
    loaded = load_specs(where)
    missed: list[tuple[LoadedSpec, AuthError | ApiError]] = []
    for folder in dict.fromkeys(one.folder for one in loaded):
        kept = {} if folder in where else read_lock(folder / FILE).models
        missed += _lock_folder(chosen, folder, [one for one in loaded if one.folder == folder], kept)
    if missed:
        raise _told_together(missed)


def _lock_folder(
    chosen: Settings, folder: Path, loaded: Sequence[LoadedSpec], kept: Mapping[str, Locked]
) -> list[tuple[LoadedSpec, AuthError | ApiError]]:
    """Write the lock file of one folder, `kept` in it too; returns what should be in it and could not be read."""
    file = folder / FILE
    found: dict[str, Locked] = {}
    missed: list[tuple[LoadedSpec, AuthError | ApiError]] = []
    for one in loaded:
        name = key_of(one.spec)
        if name in found:
            continue
        try:
            found[name] = read_repository(
                chosen, one.spec.repository, one.spec.revision, gguf_of(one.spec), keeps_refusal=True
            )
        except (AuthError, ApiError) as error:
            found[name] = _in_its_place(one, error, file)
            if one.spec.engine.type != "custom":
                # A custom container need not load what the repository field names.
                missed.append((one, error))
        terminal.note(f"{name}: {_told(found[name])}")
    file.write_text(write_lock(Lock({**kept, **found})), encoding="utf-8")
    terminal.note(f"Written: {file}.")
    return missed


def _in_its_place(one: LoadedSpec, error: AuthError | ApiError, file: Path) -> Locked:
    """What is written for a repository that could not be read: what was known before, unless it is gone."""
    spec, revision = one.spec, f" at {one.spec.revision}" if one.spec.revision else ""
    if isinstance(error, NotFound):
        return Locked("", None, f"{spec.repository}{revision} is not on the Hub.")
    before = read_lock(file).of(spec)
    return before or Locked("", None, f"The Hub did not show {spec.repository}{revision} when this was locked.")


def _told_together(missed: Sequence[tuple[LoadedSpec, AuthError | ApiError]]) -> SpecError | AuthError:
    problems = [
        Problem(one.file, one.line_of("repository"), "repository", f"could not be locked: {error}")
        for one, error in missed
    ]
    if all(isinstance(error, AuthError) for _, error in missed):
        return AuthError("\n".join(map(str, problems)))
    return SpecError(problems)


def read_repository(
    chosen: Settings,
    repository: str,
    revision: str | None,
    gguf: str | None,
    *,
    is_any: bool = False,
    keeps_refusal: bool = False,
) -> Locked:
    """What the Hub says; a repository whose memory cannot be judged is locked with the reason.

    With `is_any` a repository without safetensors is judged by its GGUF file, where it has one only.

    Raises:
        AuthError: the token may not see it; of a gated one that is the reason, if `keeps_refusal`.
    """
    from hfdeploy.hub import Hub, Unsized, has_gguf_only, read_model

    with terminal.busy(f"reading the headers of {repository}"), Hub(chosen) as hub:
        facts = hub.model(repository, revision)
        if gguf is None and is_any and has_gguf_only(facts.files):
            gguf = ""
        try:
            return Locked(facts.sha, read_model(hub, repository, facts.sha, facts.files, gguf=gguf))
        except Unsized as problem:
            return Locked(facts.sha, None, str(problem))
        except AuthError:
            if not (facts.gated and keeps_refusal):
                raise
            return Locked(facts.sha, None, f"{repository} is gated, and this token may not read it.", is_refused=True)


def _told(locked: Locked) -> str:
    if locked.model is None:
        return ", ".join(filter(None, [locked.commit[:12], locked.unknown]))
    return f"{locked.commit[:12]}, {locked.model.weights.bytes:,} bytes of weights"
