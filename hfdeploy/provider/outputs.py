"""What the state keeps of one configuration; names are part of the state format."""

from collections.abc import Mapping
from typing import Any

from hfdeploy.owner import KEEP as KEEP_TAG
from hfdeploy.owner import marks_of
from hfdeploy.plan import OPENAI_ENGINES, Plan
from hfdeploy.provider.props import IDENTITY, KEEP, MARKS, Props, plain, spec_fields
from hfdeploy.redact import new_salt
from hfdeploy.rollout import Goal, Outcome
from hfdeploy.verify import Verification
from hfdeploy.wire import Endpoint, State


def as_found(olds: Mapping[str, Any]) -> Props:
    """The spec as declared, or as the last refresh found it live."""
    return dict(plain(olds.get("spec") or {}))


def as_declared(olds: Mapping[str, Any]) -> Props:
    """The spec as it was last brought live and proved; no refresh touches it."""
    return dict(plain(olds.get("declared") or olds.get("spec") or {}))


def has_failed(olds: Mapping[str, Any]) -> bool:
    """Whether the last refresh found that the service had given up on the endpoint."""
    return olds.get("state") in {state.value for state in State if state.is_failure}


def make_outputs(news: Props, goal: Goal, outcome: Outcome, olds: Mapping[str, Any]) -> Props:
    """The outputs after a rollout.

    A configuration that went to a paused endpoint is not brought live: it stays a change until it is. One that was
    proved is, also where somebody paused it a moment later.
    """
    live, plan = outcome.endpoint, goal.plan
    url = (live.status.url or "").rstrip("/")
    price = plan.hardware.price_per_hour
    is_live = outcome.verification is not None or live.status.state is not State.PAUSED
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
    if KEEP_TAG in live.tags and (goal.keep or olds.get(KEEP)):
        outs[KEEP] = True
    if marks := marks_of(live.tags):
        outs[MARKS] = marks
    return outs | _proof(outcome.verification, {} if goal.is_first or not outcome.is_proof_of_now else olds)


def recovered(found: Props, plan: Plan, live: Endpoint) -> Props:
    """The outputs of an endpoint that a lost state had: as if what is live had been brought live, without a proof.

    `found` are its inputs as they are live, `plan` what its spec asks for. No digest of a secret is known, so every
    secret that has a value counts as changed.
    """
    url = (live.status.url or "").rstrip("/")
    hardware, price = f"{live.compute.instance_type} {live.compute.instance_size}", plan.hardware.price_per_hour
    engine = (found.get("engine") or {}).get("type")
    outs = {name: found[name] for name in (*IDENTITY, "namespace", "name")} | {
        "spec": spec_fields(found),
        "declared": spec_fields(found),
        "remembered": {"salt": new_salt(), "digests": {}},
        "url": url,
        "openai_base_url": f"{url}/v1" if url and engine in OPENAI_ENGINES else None,
        "model": live.model.repository,
        "engine": engine,
        "instance": hardware,
        "price_per_hour": None if price is None or hardware != plan.hardware.spelling else str(price),
        "revision": live.model.revision,
        "state": live.status.state.value,
        "verdict": "unverified",
    }
    return {name: value for name, value in outs.items() if value is not None}


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
