"""Everything raised on purpose, as one tree.

HfdeployError
├── UsageError              2  a command or a setting that cannot be meant
│   ├── SpecError           2  one or more spec files are wrong; carries every problem at once
│   └── UnknownHardware     2  an instance that the catalogue does not have there
├── AuthError               3  no token, or one that the service refuses
├── ApiError                4  the service refused a request
│   ├── NotFound            4  404: nothing of that name
│   ├── NameTaken           4  409: the name is somebody's
│   ├── QuotaExceeded       9  409: not allowed to have that many accelerators
│   └── CapacityMissing     9  400: hardware known, not to be had now
├── OwnershipError          4  a namesake that is not ours, or not ours any more
├── RolloutFailed           4  evidence against what was deployed
├── BlockingFinding         5  a review finding that must be settled first
├── Cancelled               8  somebody asked to stop
├── Inconclusive            9  no evidence either way
│   ├── Unreachable         9  no answer from the service within the deadline
│   │   └── UnclearOutcome  9  a change was sent, and nobody knows whether it was made
│   └── TimedOut            9  a deadline of ours passed
├── Untrusted               9  who answers cannot be proved to be who was asked
└── EngineError             1  no Pulumi engine could be had

`exit_code` is what `hfdeploy` ends with; the table is Pulumi's own (v3.226 and later).
Messages are whole sentences with the numbers in them and the way out. None of them holds a header or an uncut body.
"""

from dataclasses import dataclass


class HfdeployError(Exception):
    """The root: caught by the CLI and by the provider, shown as one line."""

    exit_code = 1


class UsageError(HfdeployError):
    """A command, a setting or a combination of them that cannot be meant."""

    exit_code = 2


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong in one spec file.

    `line` counts from 1; 0 means the file as a whole. `field` is a dotted path in the spec's own words
    (`autoscaling.max`), empty for the file as a whole.
    """

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


class SpecError(UsageError):
    """One or more spec files are wrong. `problems` holds all of them, in file and line order."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class UnknownHardware(UsageError):
    """An instance that does not exist in that cloud and region, or text that names none."""


class AuthError(HfdeployError):
    """No token, or one that the service refuses (401, 403)."""

    exit_code = 3


class ApiError(HfdeployError):
    """The Inference Endpoints API refused a request.

    The body is cut short because it ends up in logs and in Pulumi's output.
    Headers are never kept: they carry the token.
    """

    exit_code = 4

    def __init__(self, request: str, status: int, text: str) -> None:
        super().__init__(f"{request} answered {status}: {text[:256]}")
        self.request = request
        self.status = status
        self.text = text[:256]

    def told_with(self, sentence: str) -> "ApiError":
        """The same refusal with what was done about it, which is never cut."""
        told = type(self)(self.request, self.status, self.text)
        told.args = (f"{str(self).rstrip('.')}. {sentence}",)
        return told


class NotFound(ApiError):
    """404: there is nothing of that name."""


class NameTaken(ApiError):
    """409 about the name: an endpoint of that name exists in the namespace."""


class QuotaExceeded(ApiError):
    """409 about quota. No evidence against the configuration, so nothing is undone because of it."""

    exit_code = 9


class CapacityMissing(ApiError):
    """400 'Compute instance not available yet': known hardware that cannot be had at the moment."""

    exit_code = 9


class OwnershipError(HfdeployError):
    """The endpoint of that name is not this stack's: left as it is, or let go again where an update had reached it."""

    exit_code = 4


class RolloutFailed(HfdeployError):
    """There is evidence against what was deployed; the endpoint stays in the state."""

    exit_code = 4


class BlockingFinding(HfdeployError):
    """A review finding that has to be settled before anything is sent."""

    exit_code = 5


class Cancelled(HfdeployError):
    """Somebody asked to stop: nothing more is sent; the next run continues."""

    exit_code = 8


class Inconclusive(HfdeployError):
    """No evidence either way, which is neither green nor a reason to undo anything."""

    exit_code = 9


class Unreachable(Inconclusive):
    """No usable answer from a service within the deadline."""


class UnclearOutcome(Unreachable):
    """A change was sent and may or may not have been made: look before sending it again."""


class TimedOut(Inconclusive):
    """A deadline of ours passed before there was evidence."""


class Untrusted(HfdeployError):
    """The other side's certificate or address is not one that who was asked can have: nothing was sent, and the
    same question would meet the same stranger. Hence not `Inconclusive`, which is asked again.
    """

    exit_code = 9


class EngineError(HfdeployError):
    """No Pulumi engine could be found, installed or built. The message lists what was tried."""
