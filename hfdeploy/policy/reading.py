"""A policy.yaml from the disk, by the same strict reader as specs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from hfdeploy.errors import Problem, SpecError, UsageError
from hfdeploy.policy.document import Policy
from hfdeploy.spec.document import MOST_BYTES, line_of, read_document
from hfdeploy.spec.sentence import objections


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A policy and where it stands; one without a file says nothing but the defaults."""

    policy: Policy = field(default_factory=Policy)
    file: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    def line_of(self, field: str) -> int:
        """The line of a field, or of the nearest section around it that the file has."""
        return line_of(self.lines, field)


def read_policy(file: Path) -> LoadedPolicy:
    """Read a policy.

    Raises:
        UsageError: there is no such file, or it cannot be read: a limit must not be lost in silence.
        SpecError: everything wrong in it.
    """
    shown = str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would never return.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"The policy {shown} cannot be read: {error.strerror or 'the system refuses'}.") from None
    return parse_policy(content, shown)


def parse_policy(content: bytes, file: str) -> LoadedPolicy:
    """A policy from its text; `file` is what it is called in sentences.

    Raises:
        SpecError: everything wrong in it.
    """
    document = read_document(content, file)
    problems = list(document.problems)
    if document.data is not None:
        try:
            policy = Policy.model_validate(document.data)
        except ValidationError as error:
            known = {problem.field for problem in problems}
            found = [(".".join(path), said) for path, said in objections(error)]
            problems += [
                Problem(file, line_of(document.lines, path), path, said) for path, said in found if path not in known
            ]
        else:
            if not problems:
                return LoadedPolicy(policy, file, document.lines)
    raise SpecError(problems)
