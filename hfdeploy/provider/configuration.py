"""One configuration of one endpoint: what differs, bringing it live, what the state keeps of it."""

import copy
import re
from collections.abc import Mapping
from typing import Any

from hfdeploy.diff import IMAGE, REVISION, SECRETS, Path, project
from hfdeploy.errors import UsageError
from hfdeploy.plan import REGISTRY, Plan
from hfdeploy.provider import memory
from hfdeploy.provider.difference import changed_fields
from hfdeploy.provider.evidence import keep_evidence
from hfdeploy.provider.host import Row, is_stopped
from hfdeploy.provider.props import IDENTITY, Props, inputs_of, plain, spec_fields
from hfdeploy.provider.session import Session
from hfdeploy.rollout import Goal, Means, Outcome, bring_live, make_check
from hfdeploy.spec import parse_spec
from hfdeploy.verify import Verification, prove
from hfdeploy.wait import Clock
from hfdeploy.wire import Body, Endpoint

_SHOW_EVERY_S = 0.2
_COMMIT = re.compile(r"[0-9a-f]{40}")


def declared_before(olds: Props) -> Props:
    """The spec that the state holds: as declared, or as found live by the last refresh."""
    return dict(plain(olds.get("spec") or {}))


def differences(olds: Props, news: Props, session: Session, row: Row) -> list[str]:
    """Why the configuration has to be brought live again; [] when there is nothing to do. Sends nothing."""
    reasons = changed_fields(declared_before(olds), spec_fields(news))
    if plain(olds.get("generation")) != plain(news.get("generation")):
        reasons.append("generation")
    try:
        spec = parse_spec(spec_fields(news))
        plan = session.plan_offline(spec)
    except UsageError:
        return reasons
    if rotated := memory.changed(memory.read_values(plan, session), olds.get("remembered")):
        row.note(f"changed secrets: {', '.join(rotated)}")
        reasons.append("secrets")
    if spec.verify.when == "always":
        reasons.append("verify")
    return reasons


def bring(news: Props, olds: Props | None, session: Session, row: Row) -> Props:
    """Bring the configuration live, prove it, and return the outputs."""
    declared = spec_fields(news)
    spec = parse_spec(declared)
    plan = session.plan(spec, declared["namespace"])
    values = memory.require_values(plan, session)
    goal = _goal(news, olds, plan, values)
    on_text = _LiveText(session.clock, row)

    def prove_live(live: Endpoint) -> Verification:
        return prove(
            make_check(live, session.settings, spec=spec),
            clock=session.clock,
            on_text=on_text,
            on_step=row.show,
            stopped=is_stopped,
        )

    outcome = bring_live(goal, Means(session.api, session.listing, session.clock, row, prove_live))
    if outcome.verification is not None:
        keep_evidence(goal.place, outcome.verification, row)
    outs = _outputs(news, goal, outcome, olds or {})
    outs["remembered"] = memory.remember(values, (olds or {}).get("remembered"))
    return outs


def _goal(news: Props, olds: Props | None, plan: Plan, values: memory.Values) -> Goal:
    declared, before = spec_fields(news), declared_before(olds or {})
    namespace, generation = declared["namespace"], news["generation"]
    is_first = olds is None or olds.get("generation") != generation
    known = memory.posted(f"{namespace}/{plan.name}", generation) if is_first else (olds or {}).get("remembered")
    rotated = memory.changed(values, known)
    resend: set[Path] = set()
    if set(rotated) - {REGISTRY}:
        resend.add(SECRETS)
    if REGISTRY in rotated:
        resend.add(IMAGE)
    kept = None
    if not is_first:
        if plain((olds or {}).get("asked")) != _asked(declared):
            resend.add(REVISION)
        else:
            kept = (olds or {}).get("revision")
    return Goal(
        plan=plan,
        namespace=namespace,
        owner=news["owner"],
        generation=generation,
        wanted=_with_commit(plan.body, kept),
        resend=frozenset(resend),
        revision=plan.spec.revision,
        secrets=values.container,
        registry_password=values.registry_password,
        is_first=is_first,
        prove_anyway=plan.spec.verify.when == "always" or before.get("verify") != declared.get("verify"),
    )


def _with_commit(body: Body, kept: str | None) -> Body:
    """The wanted body with the commit that a branch, or nothing, was resolved to when the endpoint was made.

    Without such a commit a branch compares with nothing: whatever the service resolved it to is what was asked for.
    """
    wanted = copy.deepcopy(body)
    asked = wanted["model"].get("revision")
    if asked is None or not _COMMIT.fullmatch(asked):
        wanted["model"]["revision"] = kept
    return wanted


def _asked(declared: Props) -> Props:
    """The texts that the kept commit was resolved from: a refresh rewrites `spec` with what is live, but not these."""
    return {name: declared[name] for name in ("repository", "revision") if name in declared}


def _outputs(news: Props, goal: Goal, outcome: Outcome, olds: Mapping[str, Any]) -> Props:
    live, plan = outcome.endpoint, goal.plan
    url = (live.status.url or "").rstrip("/")
    price = plan.hardware.price_per_hour
    outs = {name: plain(news[name]) for name in IDENTITY} | {
        "namespace": goal.namespace,
        "name": plan.name,
        "spec": spec_fields(news),
        "asked": _asked(spec_fields(news)),
        "url": url,
        "openai_base_url": f"{url}/v1" if url and plan.speaks_openai else None,
        "model": plan.spec.repository,
        "engine": plan.spec.engine.type,
        "instance": plan.hardware.spelling,
        "price_per_hour": None if price is None else str(price),
        "revision": live.model.revision,
        "state": live.status.state.value,
    }
    return outs | _proof(outcome.verification, {} if goal.is_first else olds)


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


def read(props: Props, session: Session) -> tuple[Props, Props] | None:
    """(outputs, inputs) with what is live said in the spec's words, or None when the endpoint is gone.

    Operational state (asleep, replica counts, last use) is no configuration and changes nothing here.
    """
    namespace, name = props["namespace"], props["name"]
    live = session.find_same(namespace, name, props["generation"])
    if live is None:
        return None
    declared = declared_before(props)
    try:
        plan = session.plan_for_reading(parse_spec(declared), namespace)
    except UsageError:
        # An earlier refresh may have found what no spec can say; the next update compares with the API itself.
        return dict(props), inputs_of({**declared, **{key: props[key] for key in IDENTITY}})
    shown = project(declared, _with_commit(plan.body, props.get("revision")), live)
    outs = dict(props) if shown == declared else {**props, "spec": shown}
    return outs, inputs_of({**shown, **{key: props[key] for key in IDENTITY}})


class _LiveText:
    """Shows the end of the text as it streams, a few times a second: a line per token would slow the stream down."""

    def __init__(self, clock: Clock, row: Row) -> None:
        self._clock, self._row = clock, row
        self._text, self._shown_at = "", float("-inf")

    def __call__(self, piece: str) -> None:
        self._text += piece
        if self._clock.now() - self._shown_at >= _SHOW_EVERY_S:
            self._shown_at = self._clock.now()
            self._row.show(f"» {_tail(self._text)}")


def _tail(text: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= 60 else f"…{line[-59:]}"
