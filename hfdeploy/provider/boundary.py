"""What may leave a provider method: its result, or one scrubbed sentence.

The stock host turns an exception into a traceback in the user's terminal, and never answers a call that ends in
SystemExit or KeyboardInterrupt. So everything is caught here, and only `Failure` goes out.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from hfdeploy import redact
from hfdeploy.errors import AuthError, HfdeployError, Unreachable
from hfdeploy.render import plain

log = redact.logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


class Failure(Exception):
    """One sentence for the terminal."""


# What Python prints before the sentence: `hfdeploy: ...` and no module path.
Failure.__module__ = "builtins"
Failure.__qualname__ = Failure.__name__ = "hfdeploy"


_STALE_CONFIG = (
    " A refresh asks with the token and the address of the last `up`; where they have changed since, "
    "add --run-program (or set PULUMI_RUN_PROGRAM=true) to use those of the configuration."
)


def hinted(method: Callable[P, R]) -> Callable[P, R]:
    """For what a refresh calls: the engine hands it the configuration of the last `up`, which may be out of date."""

    @functools.wraps(method)
    def hint(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except AuthError as error:
            raise AuthError(f"{error}{_STALE_CONFIG}") from None
        except Unreachable as error:
            raise Unreachable(f"{error}{_STALE_CONFIG}") from None

    return hint


def guarded(method: Callable[P, R]) -> Callable[P, R]:
    """Let out nothing but a result or a `Failure`."""

    @functools.wraps(method)
    def guard(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(*args, **kwargs)
        except HfdeployError as error:
            sentence = str(error)
        except BaseException as error:
            log.debug("unexpected in %s", method.__qualname__, exc_info=error)
            sentence = f"unexpected {type(error).__name__} in {method.__qualname__}: {error}"
        raise Failure(plain(redact.known.scrub(sentence))) from None

    return guard
