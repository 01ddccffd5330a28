"""What an audit reads beside the list: counters, metrics, and what the models are. A few reads at a time."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Final, TypeAlias

from hfdeploy.audit import Evidence
from hfdeploy.cli.service import QUICK
from hfdeploy.cli.usage import METRICS, each, metrics_of, of_table, together
from hfdeploy.errors import ApiError, AuthError, Unreachable, UsageError
from hfdeploy.lock import Lock, Locked
from hfdeploy.settings import Settings
from hfdeploy.usage import Known, load_of, measure
from hfdeploy.wire import Endpoint, State

if TYPE_CHECKING:
    from hfdeploy.client import Api
    from hfdeploy.hub import Hub

_JUDGED: Final = frozenset({"tgi", "vLLM", "sGLang", "tei", "huggingface"})
"""Engines whose memory can be judged; of the others the Hub is not asked."""

_LLAMACPP: Final = "llamacpp"

_Served: TypeAlias = tuple[str, str | None, str | None]
"""Repository, revision, and the GGUF file where the engine loads one."""

_LONGEST: Final = 45.0
"""Seconds for the Hub altogether: what was not asked by then is unknown."""


def read_evidence(
    api: "Api", namespace: str, live: Sequence[Endpoint], now: datetime, *, usage: str | None, days: int
) -> Evidence:
    """What is known of the use of live endpoints.

    Only GETs, except with `usage` "metrics", whose route takes its period in the body of a POST that changes nothing.

    Raises:
        UsageError, SpecError: the table of usage is wrong.
    """
    if usage == METRICS:
        return _measured(api, namespace, live, now, days)
    most = _most(live)
    known = of_table(usage, most) if usage else {}
    silent = [one.name for one in live if not one.status.last_used_at and one.status.state is State.RUNNING]
    found = each("counters", dict.fromkeys(silent, namespace), api.requests_counted)
    counted = {name: count for name, count in found.items() if count is not None}
    return Evidence(known=known, counted=counted)


def _most(live: Iterable[Endpoint]) -> dict[str, int]:
    """Replicas that each may have at once."""
    return {one.name: one.compute.scaling.max_replica for one in live}


def complete(lock: Lock, live: Iterable[Endpoint], chosen: Settings) -> Lock:
    """The lock with what the Hub says of models that it does not have, each at the commit that is served."""
    served = {(one.model.repository, one.model.revision, _gguf(one)) for one in live if _is_judged(one)}
    wanted = {model for model in served if lock.at(model[0], model[1], model[2] or "") is None}
    if not wanted:
        return lock
    from hfdeploy.hub import Hub
    from hfdeploy.wait import SystemClock

    clock, gone = SystemClock(), Event()
    until = clock.now() + _LONGEST

    def read(model: _Served) -> Locked:
        if gone.is_set() or clock.now() > until:
            return _unread(model, "the Hub could not be asked in time")
        return _of_hub(hub, model, gone)

    with Hub(chosen, seconds=QUICK) as hub:
        found = together(read, sorted(wanted, key=str))
    return Lock({**lock.models, **{_key(*model): entry for model, entry in found.items()}})


def _is_judged(one: Endpoint) -> bool:
    return one.model.engine in _JUDGED or _gguf(one) is not None


def _gguf(one: Endpoint) -> str | None:
    """The GGUF file that llama.cpp loads; None for other engines, and where the service names none."""
    if one.model.engine != _LLAMACPP:
        return None
    file = one.model.image[_LLAMACPP].get("modelPath")
    return file if isinstance(file, str) and file else None


def _key(repository: str, revision: str | None, file: str | None) -> str:
    """What a lock file lists it under."""
    return f"{repository}{f'@{revision}' if revision else ''}{f'#{file}' if file else ''}"


def _measured(api: "Api", namespace: str, live: Sequence[Endpoint], now: datetime, days: int) -> Evidence:
    start = now - timedelta(days=days)
    graphs = metrics_of(api, {one.name: namespace for one in live}, start, now)
    on_cpu = {one.name: one.compute.accelerator == "cpu" for one in live}
    found = {name: measure(metrics, start, now) for name, metrics in graphs.items()}
    most = _most(live)
    return Evidence(
        known={name: known.at_most(most[name]) for name, known in found.items() if isinstance(known, Known)},
        loads={name: load_of(metrics, start, now, is_cpu=on_cpu[name]) for name, metrics in graphs.items()},
        unknown={name: reason for name, reason in found.items() if isinstance(reason, str)},
    )


def _of_hub(hub: "Hub", model: _Served, gone: Event) -> Locked:
    from hfdeploy.hub import Unsized, read_model

    repository, revision, gguf = model
    try:
        facts = hub.model(repository, revision)
        return Locked(revision or "", read_model(hub, repository, facts.sha, facts.files, gguf=gguf))
    except Unreachable as trouble:
        gone.set()
        return _unread(model, str(trouble))
    except (ApiError, AuthError, UsageError, Unsized) as trouble:
        return _unread(model, str(trouble))


def _unread(model: _Served, why: str) -> Locked:
    return Locked(model[1] or "", None, f"{model[0]}: {why.rstrip('.')}.")
