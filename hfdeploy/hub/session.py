"""What the Hub says about a model repository: the commit behind a branch, its task, whether it can chat.

A session of its own, because the Hub redirects (renamed repositories do) and the management API must not be followed
anywhere. httpx2 drops the token when a redirect leaves the host. huggingface_hub's own methods share one session per
process, which is the management API's.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx2
import tenacity

from hfdeploy import errors, redact
from hfdeploy.settings import HUB, Settings
from hfdeploy.transport import Transport, Untrusted, bounded
from hfdeploy.wait import Clock, SystemClock, never, pause_wanted

CALL: Final = 30.0
"""Seconds for one question with its repetitions."""

LARGEST_PIECE: Final = 4 * 1024 * 1024
"""Bytes of a file that are read at once; the transport refuses twice that."""

_ATTEMPTS: Final = 3
_MOST_REDIRECTS: Final = 5
_backoff: Final = tenacity.wait_random_exponential(multiplier=1, max=CALL)
_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)
_TEMPLATES: Final = frozenset({"chat_template.jinja", "chat_template.json"})


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model repository at one commit.

    `task` is the Hub's pipeline tag, None where it knows none. `has_chat_template` is None where the Hub does not
    say: repositories without a tokenizer's configuration.
    """

    sha: str
    task: str | None
    tags: tuple[str, ...]
    gated: bool
    has_chat_template: bool | None
    files: tuple[str, ...] = ()
    """Paths inside the repository."""


class Hub:
    """Questions about repositories; safe to share between threads; close it by leaving a `with` block.

    Raises, from every method: `errors.NotFound` (no such repository or revision), `errors.AuthError` (private or gated,
    and the token may not see it), `errors.Unreachable` (no usable answer), `errors.ApiError` (any other refusal),
    `errors.UsageError` (not the name of a repository), `errors.Cancelled` (somebody asked to stop).
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        stopped: Callable[[], bool] = never,
        seconds: float = CALL,
    ) -> None:
        self._address, self._stopped, self._seconds = settings.hub_url, stopped, seconds
        self._clock = clock or SystemClock(stopped)
        headers = {"user-agent": f"hfdeploy/{version('hfdeploy')}", "accept": "application/json"}
        if settings.hub_token is not None:
            headers["authorization"] = redact.bearer(settings.hub_token)
        self._client = httpx2.Client(
            transport=Transport(is_public=settings.hub_url == HUB),
            headers=headers,
            follow_redirects=True,
            max_redirects=_MOST_REDIRECTS,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def commit(self, repository: str, revision: str | None = None) -> str:
        """The commit (40 hexadecimal characters) that a branch, a tag or nothing stands for now."""
        return self.model(repository, revision).sha

    def model(self, repository: str, revision: str | None = None) -> ModelFacts:
        """What the Hub knows about a repository at a revision; without one, at the newest commit."""
        if not _REPOSITORY.fullmatch(repository):
            raise errors.UsageError(f"{_cut(repository)!r} is not the name of a repository (org/name).")
        path = f"/api/models/{repository}" + (f"/revision/{quote(revision, safe='')}" if revision else "")
        met = self._ask(path, {})
        if isinstance(met, errors.HfdeployError):
            raise met
        facts = _facts_of(f"GET {self._address}{path}", met)
        if isinstance(facts, errors.HfdeployError):
            raise facts
        return facts

    def file(self, repository: str, commit: str, path: str, *, first: int = 0, count: int = LARGEST_PIECE) -> bytes:
        """A file of a repository, or `count` bytes of it from `first` on; less where it ends sooner.

        Raises, besides what all methods do: `errors.ApiError`: the server sends the whole of a file that is larger.
        """
        if not 0 < count <= LARGEST_PIECE:
            raise errors.UsageError(f"{count} bytes of a file cannot be asked for at once, {LARGEST_PIECE} can.")
        url = f"/{repository}/resolve/{quote(commit, safe='')}/{quote(path)}"
        met = self._ask(url, {"range": f"bytes={first}-{first + count - 1}"})
        if isinstance(met, errors.HfdeployError):
            raise met
        # A server without ranges sends everything, which is right for a small file read from its start.
        return met.content[first : first + count] if met.status_code == 200 else met.content[:count]

    def _ask(self, path: str, headers: Mapping[str, str]) -> httpx2.Response | errors.HfdeployError:
        """The answer or the error: raised by the caller, so that no exception with the token in it is its context."""
        deadline, pause = self._clock.now() + self._seconds, [0.0]
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda met: isinstance(met, errors.Unreachable)),
            wait=lambda state: max(_backoff(state), pause[0]),
            stop=lambda state: (
                state.attempt_number >= _ATTEMPTS or self._clock.now() + state.upcoming_sleep >= deadline
            ),
            sleep=self._clock.sleep,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        met: httpx2.Response | errors.HfdeployError = retrying(lambda: self._ask_once(path, headers, deadline, pause))
        return met

    def _ask_once(
        self, path: str, headers: Mapping[str, str], deadline: float, pause: list[float]
    ) -> httpx2.Response | errors.HfdeployError:
        if self._stopped():
            return errors.Cancelled("Interrupted: nothing more is sent. Run again to continue.")
        request = f"GET {self._address}{path}"
        try:
            with bounded(total=deadline - self._clock.now(), stopped=self._stopped):
                response = self._client.get(f"{self._address}{path}", headers=headers)
        except httpx2.TooManyRedirects:
            return errors.Unreachable(f"{request} was redirected more than {_MOST_REDIRECTS} times.")
        except Untrusted as failure:
            return errors.Untrusted(
                f"{request} was not sent: who answers cannot be proved to be the Hub ({_cut(str(failure))})."
            )
        except (httpx2.TransportError, httpx2.DecodingError) as failure:
            if self._stopped():
                return errors.Cancelled("Interrupted while a request was under way. Run again to continue.")
            return errors.Unreachable(f"{request} got no whole answer: {type(failure).__name__}: {_cut(str(failure))}.")
        pause[:] = [pause_wanted(response.headers, self._clock.utcnow())]
        return response if response.is_success else _refusal(request, response)


def _facts_of(request: str, response: httpx2.Response) -> ModelFacts | errors.HfdeployError:
    try:
        return read_facts(response.json())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as failure:
        return errors.ApiError(request, response.status_code, f"something unreadable ({type(failure).__name__})")


def read_facts(reply: Mapping[str, Any]) -> ModelFacts:
    """The Hub's model info, read.

    Raises:
        KeyError, TypeError, AttributeError: it is not one.
    """
    tags = tuple(str(tag) for tag in reply.get("tags") or ())
    return ModelFacts(
        sha=str(reply["sha"]),
        task=reply.get("pipeline_tag"),
        tags=tags,
        gated=bool(reply.get("gated")),
        has_chat_template=_has_chat_template(reply, tags),
        files=tuple(str(sibling["rfilename"]) for sibling in reply.get("siblings") or ()),
    )


def _has_chat_template(reply: Mapping[str, Any], tags: tuple[str, ...]) -> bool | None:
    config = reply.get("config") or {}
    tokenizer = config.get("tokenizer_config")
    files = {str(sibling.get("rfilename")) for sibling in reply.get("siblings") or ()}
    if (tokenizer or {}).get("chat_template") or config.get("chat_template_jinja") or files & _TEMPLATES:
        return True
    if "conversational" in tags:  # the Hub's own tag for a tokenizer that has one
        return True
    return None if tokenizer is None else False


def _refusal(request: str, response: httpx2.Response) -> errors.HfdeployError:
    status = response.status_code
    said = _cut(response.headers.get("x-error-message") or _words(response)) or "no reason given"
    match status:
        case 404:
            return errors.NotFound(request, status, f"there is no such repository or revision: {said}")
        case 401 | 403:
            return errors.AuthError(
                f"{request} answered {status}: the repository does not exist, or it is private or gated and the token"
                f" may not see it ({said})."
            )
    if status == 429 or status >= 500:
        return errors.Unreachable(f"{request} answered {status}: {said}")
    return errors.ApiError(request, status, said)


def _words(response: httpx2.Response) -> str:
    """The sentence in the JSON of a refusal; the whole text where it has none."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return response.text
    told = [body.get(key) for key in ("error", "message", "detail")] if isinstance(body, dict) else []
    return next((one for one in told if isinstance(one, str)), response.text)


def _cut(text: str) -> str:
    return " ".join(redact.known.scrub(text).split())[:256]
