"""What something proves: verdict, reason code, sentence."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """The three values of every check."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class Reason(StrEnum):
    """Why, as a stable code for machines; the sentence beside it is for people."""

    PASSED = "passed"
    # about the model or its route
    EMPTY = "empty"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    ERROR_EVENT = "error_event"
    MALFORMED = "malformed"
    BAD_VECTORS = "bad_vectors"
    UNEXPECTED_TEXT = "unexpected_text"
    TOO_SLOW = "too_slow"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    DIED = "died"
    """It answered before the load and not after it."""
    # about the way there
    TRUNCATED = "truncated"
    FIRST_TOKEN_TIMEOUT = "first_token_timeout"  # noqa: S105  a word of the model's, not a credential
    STALL = "stall"
    TOTAL_TIMEOUT = "total_timeout"
    BYTE_CAP = "byte_cap"
    TRANSPORT = "transport"
    REDIRECTED = "redirected"
    UNEXPECTED_STATUS = "unexpected_status"
    SERVER_ERROR = "server_error"
    OVERLOADED = "overloaded"
    # about the circumstances
    AUTH = "auth"
    PAUSED = "paused"
    WAKING = "waking"
    UNHEALTHY = "unhealthy"
    FOREIGN_HOST = "foreign_host"
    NOT_AS_ASKED = "not_as_asked"
    WRONG_REVISION = "wrong_revision"
    NOT_SHOWN = "not_shown"
    """What a deeper proof has to show cannot be shown here, however often it is tried."""
    OUT_OF_TIME = "out_of_time"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the spec asks of an answer beyond being one."""

    expect: str | None = None
    """A regular expression that has to be found in the text."""
    min_tokens_per_second: float | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What something proves, its reason code, and one line that names the reason with its numbers."""

    verdict: Verdict
    reason: Reason
    sentence: str

    @property
    def passed(self) -> bool:
        return self.verdict is Verdict.PASSED

    @property
    def ends_at_once(self) -> bool:
        """Whether another try could tell nothing new."""
        return self.reason in {
            Reason.AUTH,
            Reason.PAUSED,
            Reason.FOREIGN_HOST,
            Reason.NOT_AS_ASKED,
            Reason.NOT_SHOWN,
            Reason.OUT_OF_TIME,
        }


def failed(reason: Reason, sentence: str) -> Judgement:
    """Evidence against the model or its route."""
    return Judgement(Verdict.FAILED, reason, sentence)


def inconclusive(reason: Reason, sentence: str) -> Judgement:
    """No evidence either way."""
    return Judgement(Verdict.INCONCLUSIVE, reason, sentence)
