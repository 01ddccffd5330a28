"""What `hfdeploy doctor` looks at, in the order in which one thing stands on the other.

Each part says what it could not look at and why: an empty folder, no token, no network and no engine are findings, not
failures.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from hfdeploy import redact, settings
from hfdeploy.catalog import Catalog
from hfdeploy.cli.orphans import is_kept, look_for_orphans, read_ownership
from hfdeploy.cli.program import LOCAL, Program, surroundings
from hfdeploy.cli.service import QUICK, choose, service
from hfdeploy.doctor import Finding, Level, backend, machine, processes
from hfdeploy.doctor.finding import fine, obstacle, remark, skipped
from hfdeploy.errors import EngineError, HfdeployError, UsageError
from hfdeploy.settings import Settings
from hfdeploy.spec import read_specs

_STACK_CHECKS: Final = ("interpreter", "passphrase", "specs", "lock", "checkpoint", "pending", "plugins", "orphans")


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at: the stack program in `folder`, one of its stacks, and what options say of the service."""

    folder: Path
    stack: str | None
    namespace: str | None
    api_url: str | None
    environ: Mapping[str, str] = field(default_factory=surroundings)

    @property
    def program(self) -> Program:
        """The program with its stack; only where a stack was named."""
        return Program(self.folder, self.stack or LOCAL)


def examine(patient: Patient, say: Callable[[str], None]) -> list[Finding]:
    """Everything, in order. `say` is told what is being looked at."""
    say("looking at the engine")
    engine, found_engine = machine.look_at_engine(patient.environ)
    found = [engine, machine.look_at_packages()]
    chosen, configuration = _look_at_configuration(patient)
    found.append(configuration)
    state: dict[str, Any] | None = None
    absence = _why_no_stack(patient)
    if absence:
        found += [skipped(check, absence) for check in _STACK_CHECKS[:-1]]
    else:
        say("looking at the stack")
        found += _look_at_program(patient)
        try:
            held, state = _look_at_backend(patient, has_engine=found_engine is not None)
        except OSError as error:
            text = f"{error.filename} cannot be read: {error.strerror}."
            held, state = [obstacle("checkpoint", text, "Look whose it is: `ls -l` says it.")], None
        found += [*held, *processes.look_at_plugins(patient.folder)]
    found.append(_look_at_emulator(patient))
    if chosen is None:
        why = "The configuration has to be settled first."
        found += [skipped(check, why) for check in ("api", "clock", "token", "namespace")]
    else:
        from hfdeploy.doctor import service as met  # loads the client, which an early mistake does not need

        say(f"asking {chosen.api_url}")
        found += met.look_at_service(chosen)
    say("looking for orphans")
    found.append(_look_for_orphans(patient, chosen, state, absence, found))
    return found


def _why_no_stack(patient: Patient) -> str:
    """Why nothing can be said about a stack; empty where something can."""
    if not (patient.folder / "Pulumi.yaml").is_file():
        return f"There is no stack program in {patient.folder}; --program names its folder."
    if patient.stack is None:
        known = ", ".join(sorted(file.name.split(".")[1] for file in patient.folder.glob("Pulumi.?*.yaml")))
        return f"No stack was named; --stack takes one of: {known or 'none yet'}."
    try:
        patient.program.config(with_secrets=False)
        patient.program.project()
    except UsageError as error:
        return str(error)
    return ""


def _look_at_configuration(patient: Patient) -> tuple[Settings | None, Finding]:
    """Which service and in whose name; None where two sources contradict each other or a value cannot be meant."""
    stack, cure = patient.stack, "Correct the stack's configuration or the environment."
    if stack is not None and not (patient.folder / "Pulumi.yaml").is_file():
        text = f"Stack {stack} was named, and there is no stack program in {patient.folder}."
        return None, obstacle("configuration", text, "--program names its folder.")
    try:
        chosen = choose(stack=stack, program=patient.folder, namespace=patient.namespace, api_url=patient.api_url)
        settings.load_safeguards(patient.program.config(with_secrets=False) if stack else {})
    except HfdeployError as error:
        return None, obstacle("configuration", str(error), cure)
    if chosen.namespace == settings.PLACEHOLDER:
        text = f"hfdeploy:namespace is still the placeholder {settings.PLACEHOLDER}."
        return chosen, obstacle("configuration", text, "`pulumi config set hfdeploy:namespace NAME` sets yours.")
    return chosen, fine(
        "configuration", f"{stack or 'Without a stack'}: {chosen.api_url}, {chosen.namespace or 'no namespace'}."
    )


def _look_at_program(patient: Patient) -> Iterator[Finding]:
    """What is on disk: the interpreter, the passphrase, the specs."""
    program = patient.program
    yield machine.look_at_interpreter(patient.folder, program.project().get("runtime"), patient.environ)
    yield _look_at_passphrase(program, patient.environ)
    yield _look_at_specs(program)


def _look_at_passphrase(program: Program, environ: Mapping[str, str]) -> Finding:
    """Whether the engine will find the passphrase that its secrets are encrypted with."""
    document, check = program.document(), "passphrase"
    provider = str(document.get("secretsprovider") or "passphrase")
    if program.stack == LOCAL:
        return fine(check, "The stack local has an empty one.")
    if provider != "passphrase":
        return fine(check, f"Not needed: secrets are kept by {provider.partition(':')[0]}.")
    if "PULUMI_CONFIG_PASSPHRASE" in environ:
        return fine(check, "PULUMI_CONFIG_PASSPHRASE is set.")
    named = environ.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if named and os.access(named, os.R_OK):
        return fine(check, f"PULUMI_CONFIG_PASSPHRASE_FILE names {named}.")
    cure = "`export PULUMI_CONFIG_PASSPHRASE=...` (it may be empty), or PULUMI_CONFIG_PASSPHRASE_FILE=file."
    if named:
        return obstacle(check, f"PULUMI_CONFIG_PASSPHRASE_FILE names {named}, which cannot be read.", cure)
    if "encryptionsalt" in document:
        return obstacle(check, f"Secrets of {program.stack} are encrypted with a passphrase, and none is set.", cure)
    return remark(check, "None is set. A file, bucket or database backend asks for one.", cure)


def _look_at_specs(program: Program) -> Finding:
    """Whether the stack's pattern matches specs that can be read: an empty one would remove every endpoint."""
    pattern = program.config(with_secrets=False).get("hfdeploy:specs") or settings.SPECS
    where = os.path.join(program.folder, pattern)  # noqa: PTH118 - a pattern may begin with .. and is no path
    paths = [Path(path) for path in sorted(glob(where, recursive=True))]  # noqa: PTH207
    if not paths:
        text = f"No spec matches {pattern!r} in {program.folder.absolute()}."
        return obstacle("specs", text, "Set hfdeploy:specs to where they are, or write the first one.")
    loaded, problems = read_specs(paths)
    if problems:
        text = f"Not all of {len(paths)} can be used; the first of {len(problems)} problems: {problems[0]}"
        return obstacle("specs", text, "`hfdeploy validate FILES` says them all.")
    if not loaded:
        return obstacle("specs", f"What matches {pattern!r} holds no spec.", "Write the first one.")
    return fine("specs", f"{len(loaded)} match {pattern!r} and can be read.")


def _look_at_backend(patient: Patient, *, has_engine: bool) -> tuple[list[Finding], dict[str, Any] | None]:
    """Lock, checkpoint and pending operations: from the files where there are files, else through the engine."""
    program = patient.program
    url = program.backend(patient.environ)
    if url is not None and (password := urlsplit(url).password):
        redact.known.add(unquote(password))  # a database's, which the engine's own words may hold
        redact.known.add(password)
    if url is not None and url.startswith("file://"):
        at = backend.Checkpoint(_folder_of(url), str(program.project().get("name")), program.stack.rpartition("/")[2])
        files, state = backend.look_at_checkpoint(at)
        found = [*backend.look_at_locks(at), *files]
        if has_engine and state is not None and not any(one.level is Level.BLOCKING for one in files):
            found += filter(None, [_export(program)[1]])
    else:
        kind = url.partition(":")[0] if url else "the one of `pulumi login`"
        found = [skipped("lock", f"The backend is {kind}; only those of a file backend can be told from dead ones.")]
        state, trouble = _export(program) if has_engine else (None, skipped("checkpoint", "There is no engine to ask."))
        found.append(trouble or fine("checkpoint", "The engine can read it."))
    none = skipped("pending", "There is no state that can be read.")
    return [*found, backend.look_at_pending(state, program.stack) if state else none], state


def _export(program: Program) -> tuple[dict[str, Any] | None, Finding | None]:
    """The state as the engine reads it, or what hinders that."""
    cure = "`pulumi stack export` says more; `pulumi stack import --file` takes a backup."
    try:
        return program.export(), None
    except UsageError as error:
        return None, skipped("checkpoint", str(error))
    except EngineError as error:
        return None, obstacle("checkpoint", f"The engine cannot read the state: {error}", cure)
    except json.JSONDecodeError as error:
        return None, obstacle("checkpoint", f"`pulumi stack export` printed no JSON: {error}.", cure)


def _folder_of(url: str) -> Path:
    return Path(url.removeprefix("file://").partition("?")[0]).expanduser()


def _look_at_emulator(patient: Patient) -> Finding:
    root = patient.folder.resolve().parent
    # With httpx2, which most commands do without.
    from hfdeploy.doctor import stand_in

    if patient.stack != LOCAL and not stand_in.note_of(stand_in.data_of(root)).exists():
        return skipped("emulator", "Only the stack local has one, and none was noted here.")
    return stand_in.look_at_emulator(root)


def _look_for_orphans(
    patient: Patient, chosen: Settings | None, state: dict[str, Any] | None, absence: str, found: list[Finding]
) -> Finding:
    check = "orphans"
    if absence or state is None or chosen is None or chosen.token is None:
        return skipped(check, absence or "They are found by a state and a token.")
    if any(one.level is not Level.OK for one in found if one.check in {"api", "token"}):
        return skipped(check, "The service has to be reached first.")
    stack = patient.program.stack
    try:
        recorded = read_ownership(state, stack)
    except UsageError:
        return skipped(check, "The state has no owner id: nothing was ever made, or it was all destroyed.")
    try:
        with service(chosen, seconds=QUICK) as api:
            _, left = look_for_orphans(api, recorded, chosen.namespace, Catalog.snapshot())
    except HfdeployError as error:
        return skipped(check, str(error))
    left = [one for one in left if not is_kept(one, recorded)]
    if not left:
        return fine(check, f"Everything with the owner tag of {stack} is in its state.")
    text = f"With the owner tag of {stack}, and in no state: {', '.join(map(str, left))}."
    cure = f"`pulumi up` takes back those with a spec; `hfdeploy orphans --stack {stack} --delete` removes them."
    return remark(check, text, cure)
