"""Ways to bring a configuration live that miss what ours must not miss."""

from typing import Any

from huggingface_hub import InferenceClient
from pulumi.dynamic import CreateResult, UpdateResult

from controls.patched import replaced
from hfdeploy.errors import HfdeployError
from hfdeploy.provider import EndpointProvider, configuration
from hfdeploy.provider.boundary import guarded
from hfdeploy.provider.session import session
from hfdeploy.rollout import live as rollout
from hfdeploy.spec import EndpointSpec
from hfdeploy.verdict import Reason, Verdict
from hfdeploy.verify import Verification
from hfdeploy.wire import Endpoint

Props = dict[str, Any]


class NeverRestores(EndpointProvider):
    """A failed update is reported and left as it is."""

    @guarded
    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        with replaced(rollout, "end_update", lambda _goal, _found, failure, _means, **_others: failure):
            return _unguarded("update")(self, id_, olds, news)


class AsksNobody(EndpointProvider):
    """Whose endpoint it is, is not asked; the other half of adopting anything."""

    @guarded
    def create(self, props: Props) -> CreateResult:
        with replaced(rollout, "_find_ours", _find_any):
            return _unguarded("create")(self, props)

    @guarded
    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        with replaced(rollout, "_find_ours", _find_any):
            return _unguarded("update")(self, id_, olds, news)


class TrustsTheState(EndpointProvider):
    """`running` is proof enough: no prompt is sent."""

    @guarded
    def create(self, props: Props) -> CreateResult:
        with replaced(configuration, "_prover", lambda *_anything: _believe):
            return _unguarded("create")(self, props)

    @guarded
    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        with replaced(configuration, "_prover", lambda *_anything: _believe):
            return _unguarded("update")(self, id_, olds, news)


class AsksTheOfficialClient(EndpointProvider):
    """A stream that huggingface_hub's client reads to its end is proof enough."""

    @guarded
    def create(self, props: Props) -> CreateResult:
        with replaced(configuration, "_prover", lambda *_anything: _stream):
            return _unguarded("create")(self, props)

    @guarded
    def update(self, id_: str, olds: Props, news: Props) -> UpdateResult:
        with replaced(configuration, "_prover", lambda *_anything: _stream):
            return _unguarded("update")(self, id_, olds, news)


def _unguarded(name: str) -> Any:
    """The stock method without its wrapper, so that one error is wrapped once."""
    return getattr(EndpointProvider, name).__wrapped__


def _find_any(goal: Any, api: Any) -> Endpoint:
    found: Endpoint = api.get(goal.namespace, goal.plan.name)
    return found


def _believe(_live: Endpoint, _spec: EndpointSpec, _deadline: float) -> Verification:
    return Verification(Verdict.PASSED, Reason.PASSED, "its state is running")


def _stream(live: Endpoint, spec: EndpointSpec, _deadline: float) -> Verification:
    token = session().settings.token
    assert token is not None
    client = InferenceClient(model=live.status.url, token=token.reveal(), timeout=5)
    try:
        for _piece in client.text_generation(spec.verify.prompt or "Hello", stream=True, max_new_tokens=4):
            pass
    except Exception as error:  # noqa: BLE001 - whatever it meets is its way to fail
        raise HfdeployError(f"the official client met {type(error).__name__}") from None
    return Verification(Verdict.PASSED, Reason.PASSED, "the official client came to an end")
