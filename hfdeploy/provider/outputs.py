"""What the state keeps of one configuration; names are part of the state format."""

from collections.abc import Mapping
from typing import Any

from hfdeploy.provider.props import IDENTITY, Props, plain, spec_fields
from hfdeploy.rollout import Goal, Outcome
from hfdeploy.verify import Verification
from hfdeploy.wire import State


def as_found(olds: Mapping[str, Any]) -> Props:
    """The spec as declared, or as the last refresh found it live."""
    return dict(plain(olds.get("spec") or {}))


def as_declared(olds: Mapping[str, Any]) -> Props:
    """The spec as it was last brought live and proved; no refresh touches it."""
    return dict(plain(olds.get("declared") or olds.get("spec") or {}))


def has_failed(olds: Mapping[str, Any]) -> bool:
    """Whether the last refresh found that the service had given up on the endpoint."""
    return olds.get("state") in {State.FAILED.value, State.UPDATE_FAILED.value}


def make_outputs(news: Props, goal: Goal, outcome: Outcome, olds: Mapping[str, Any]) -> Props:
    """The outputs after a rollout.

    A configuration that went to a paused endpoint is not brought live: it stays a change until it is.
    """
    live, plan = outcome.endpoint, goal.plan
    url = (live.status.url or "").rstrip("/")
    price = plan.hardware.price_per_hour
    is_live = live.status.state is not State.PAUSED
    outs = {name: plain(news[name]) for name in IDENTITY} | {
        "namespace": goal.namespace,
        "name": plan.name,
        "spec": spec_fields(news),
        "declared": spec_fields(news) if is_live else as_declared(olds),
        "url": url,
        "openai_base_url": f"{url}/v1" if url and plan.speaks_openai else None,
        "model": plan.spec.repository,
        "engine": plan.spec.engine.type,
        "instance": plan.hardware.spelling,
        "price_per_hour": None if price is None else str(price),
        "revision": live.model.revision,
        "state": live.status.state.value,
    }
    is_proved_as_it_is = is_live or as_declared(olds) == spec_fields(news)
    return outs | _proof(outcome.verification, olds if is_proved_as_it_is and not goal.is_first else {})


def _proof(verification: Verification | None, olds: Mapping[str, Any]) -> Props:
    """What is known about the last proof; where none was due, the earlier one still stands."""
    if verification is None:
        names = ("verdict", "verified_at", "ttft_ms", "tokens", "tokens_per_s", "counted_by")
        return {name: olds.get(name) for name in names} | {"verdict": olds.get("verdict") or "unverified"}
    return {
        "verdict": verification.verdict.value,
        "verified_at": verification.ended_at,
        "ttft_ms": verification.ttft_ms,
        "tokens": verification.tokens,
        "tokens_per_s": verification.tokens_per_s,
        "counted_by": verification.counted_by,
    }
