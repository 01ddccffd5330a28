"""What a stack has, from its exported state, the service's own words and the evidence of the last verification."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from hfdeploy.catalog import format_rate
from hfdeploy.plan.request import ENGINE_KEYS, OPENAI_ENGINES
from hfdeploy.render.hardware import NOTHING
from hfdeploy.render.table import Column, Table
from hfdeploy.render.text import plain
from hfdeploy.wire import Endpoint

IDENTITY: Final = "pulumi-python:dynamic/hfdeploy:EndpointIdentity"
CONFIGURATION: Final = "pulumi-python:dynamic/hfdeploy:InferenceEndpoint"
UNPROVED: Final = "unverified"


@dataclass(frozen=True, slots=True)
class Deployed:
    """One endpoint as it is known. What is not known is empty or None; times are ISO 8601 texts."""

    name: str
    namespace: str
    generation: str = ""
    """The API's creation time."""
    url: str = ""
    openai_base_url: str | None = None
    model: str = ""
    engine: str = ""
    instance: str = ""
    price_per_hour: Decimal | None = None
    """USD for one replica."""
    revision: str = ""
    state: str = "unknown"
    is_live: bool = False
    """Whether `state` is what the service says now, rather than what the last run saw."""
    verdict: str = UNPROVED
    """Empty where nobody was asked."""
    verified_at: str | None = None
    ttft_ms: float | None = None
    tokens: int | None = None
    tokens_per_s: float | None = None
    counted_by: str | None = None
    text: str = ""
    """What the model answered, or a sentence about an answer that is no text."""

    def observed(self, live: Endpoint | None) -> "Deployed":
        """The same with what the service says now; None when it has no endpoint of that name."""
        if live is None:
            return replace(self, state="gone", is_live=True)
        if self.generation and live.generation != self.generation:
            return replace(self, state="replaced behind this stack's back", is_live=True)
        return replace(self, state=live.status.state.value, url=(live.status.url or self.url).rstrip("/"), is_live=True)

    def shown_with(self, evidence: Mapping[str, Any]) -> "Deployed":
        """The same with the answer that the evidence holds, if it is evidence of this very verification."""
        if not self.verified_at or evidence.get("ended_at") != self.verified_at:
            return self
        sample = evidence.get("sample")
        answer = sample.get("text") if isinstance(sample, Mapping) else ""
        return replace(self, text=plain(str(answer or evidence.get("sentence") or "")).strip())

    def was_verified_since(self, moment: datetime | None) -> bool:
        """Whether the last verification ended at or after `moment` (any verification where that is None)."""
        if not self.verified_at:
            return False
        return moment is None or _moment(self.verified_at) >= moment.replace(microsecond=0)


def parse_deployment(export: Mapping[str, Any]) -> list[Deployed]:
    """The endpoints in what `pulumi stack export` prints, by name.

    One whose first rollout failed has an identity and no configuration: it exists, and is unverified.
    """
    resources = (export.get("deployment") or {}).get("resources") or []
    found: dict[tuple[str, str], Deployed] = {}
    for kind in (IDENTITY, CONFIGURATION):
        for resource in resources:
            if resource.get("type") == kind and not resource.get("delete"):
                one = _deployed(resource.get("outputs") or {})
                found[one.namespace, one.name] = one
    return [found[place] for place in sorted(found)]


def describe_live(endpoint: Endpoint, namespace: str, price: Decimal | None) -> Deployed:
    """An endpoint that no state was asked about: what the service alone says of it."""
    url = (endpoint.status.url or "").rstrip("/")
    key = endpoint.model.engine
    engine = next((ours for ours, theirs in ENGINE_KEYS.items() if theirs == key), key)
    return Deployed(
        name=endpoint.name,
        namespace=namespace,
        generation=endpoint.generation,
        url=url,
        openai_base_url=f"{url}/v1" if url and engine in OPENAI_ENGINES else None,
        model=endpoint.model.repository,
        engine=engine,
        instance=f"{endpoint.compute.instance_type} {endpoint.compute.instance_size}",
        price_per_hour=price,
        revision=endpoint.model.revision or "",
        state=endpoint.status.state.value,
        is_live=True,
        verdict="",
    )


def facts(one: Deployed, *, since: datetime | None = None) -> list[tuple[str, str]]:
    """What is said below an endpoint's name, label and text; the answer only of what was verified since then."""
    lines = [("url", one.url)] if one.url else []
    if one.tokens and one.ttft_ms is not None:
        rate = f" · {one.tokens_per_s:.1f} tokens/s" if one.tokens_per_s else ""
        counted = f" (counted by {one.counted_by})" if one.counted_by else ""
        lines.append(("proof", f"first token after {one.ttft_ms:,.0f} ms · {one.tokens} tokens{counted}{rate}"))
    if one.verified_at:
        when = f"{_moment(one.verified_at):%Y-%m-%d %H:%M:%S} UTC"
        lines.append(("when", when if one.was_verified_since(since) else f"{when}, before this run"))
    if one.text and one.was_verified_since(since):
        lines.append(("answer", one.text))
    return lines


def describe(one: Deployed) -> str:
    """State, hardware and price in one line."""
    price = format_rate(one.price_per_hour) if one.instance else ""
    return " · ".join(filter(None, [one.state, one.instance, price]))


def count_verdicts(deployed: Sequence[Deployed]) -> str:
    """`4 endpoints: 3 passed, 1 unverified`."""
    counts = Counter(one.verdict for one in deployed if one.verdict)
    told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    return f"{len(deployed)} endpoint{'' if len(deployed) == 1 else 's'}{f': {told}' if told else ''}"


def status_table(deployed: Iterable[Deployed]) -> Table:
    """One endpoint per row, for Markdown."""
    return Table(
        (
            Column("Endpoint"),
            Column("State"),
            Column("Instance"),
            Column("Price", is_number=True),
            Column("Verdict"),
            Column("Verified"),
            Column("First token", is_number=True),
            Column("Tokens", is_number=True),
            Column("Tokens/s", is_number=True),
            Column("URL"),
        ),
        tuple(
            (
                one.name,
                one.state,
                one.instance,
                format_rate(one.price_per_hour),
                one.verdict or NOTHING,
                one.verified_at or NOTHING,
                NOTHING if one.ttft_ms is None else f"{one.ttft_ms:,.0f} ms",
                str(one.tokens or NOTHING),
                NOTHING if one.tokens_per_s is None else f"{one.tokens_per_s:.1f}",
                one.url,
            )
            for one in deployed
        ),
    )


def status_json(deployed: Iterable[Deployed], *, stack: str | None) -> dict[str, Any]:
    """Everything that is known, under the names of the stack's outputs."""
    return {
        "schemaVersion": 1,
        "stack": stack,
        "currency": "USD",
        "endpoints": [
            {
                "name": one.name,
                "namespace": one.namespace,
                "url": one.url or None,
                "openai_base_url": one.openai_base_url,
                "model": one.model or None,
                "engine": one.engine or None,
                "instance": one.instance or None,
                "price_per_hour": None if one.price_per_hour is None else str(one.price_per_hour),
                "revision": one.revision or None,
                "state": one.state,
                "state_is_live": one.is_live,
                "verdict": one.verdict or None,
                "verified_at": one.verified_at,
                "ttft_ms": one.ttft_ms,
                "tokens": one.tokens,
                "tokens_per_s": one.tokens_per_s,
                "counted_by": one.counted_by,
                "text": one.text or None,
            }
            for one in deployed
        ],
    }


def _deployed(outputs: Mapping[str, Any]) -> Deployed:
    tokens = _number(outputs.get("tokens"))
    return Deployed(
        name=_text(outputs.get("name")),
        namespace=_text(outputs.get("namespace")),
        generation=_text(outputs.get("generation")),
        url=_text(outputs.get("url")),
        openai_base_url=_text(outputs.get("openai_base_url")) or None,
        model=_text(outputs.get("model")),
        engine=_text(outputs.get("engine")),
        instance=_text(outputs.get("instance")),
        price_per_hour=_price(outputs.get("price_per_hour")),
        revision=_text(outputs.get("revision")),
        state=_text(outputs.get("state")) or "unknown",
        verdict=_text(outputs.get("verdict")) or UNPROVED,
        verified_at=_text(outputs.get("verified_at")) or None,
        ttft_ms=_number(outputs.get("ttft_ms")),
        tokens=None if tokens is None else int(tokens),
        tokens_per_s=_number(outputs.get("tokens_per_s")),
        counted_by=_text(outputs.get("counted_by")) or None,
    )


def _text(value: object) -> str:
    """Text of the state; what is encrypted there, or not text, is not shown."""
    return plain(value) if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _price(value: object) -> Decimal | None:
    try:
        return Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
