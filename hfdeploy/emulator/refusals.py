"""What the service says no with: one exception, carrying the code that the service's error bodies have."""

from collections.abc import Mapping

STATUS: Mapping[str, int] = {
    "BAD_REQUEST": 400,
    "VALIDATION_FAILED": 400,
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "CONFLICT": 409,
    "UNPROCESSABLE_ENTITY": 422,
    "TOO_MANY_REQUESTS": 429,
    "INTERNAL_SERVER_ERROR": 500,
    "NOT_IMPLEMENTED": 501,
}
"""Codes and their statuses. Seen in recorded replies: FORBIDDEN, VALIDATION_FAILED, BAD_REQUEST, UNAUTHORIZED,
SERVICE_UNAVAILABLE; the others are formed the same way from the reason phrase."""


class Refused(Exception):
    """The request is refused and nothing has changed.

    `text` goes after the reason phrase in the body: `{"error": "Bad Request: <text>", "code": "BAD_REQUEST"}`.
    """

    def __init__(self, code: str, text: str, *, status: int | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = STATUS[code] if status is None else status


def invalid(path: str, text: str) -> Refused:
    """A body that is JSON but not what the API takes; recorded: `model.image.vLLM: missing field url`."""
    return Refused("VALIDATION_FAILED", f"{path}: {text}" if path else text)


def unparsable(path: str, text: str) -> Refused:
    """A body that does not parse into the API's types; recorded for a null task (huggingface_hub #4701)."""
    return Refused("BAD_REQUEST", f"Failed to parse the request body as JSON: {path + ': ' if path else ''}{text}")
