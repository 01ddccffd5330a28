"""What runs in Pulumi's plugin process: `GuardProvider`, `IdentityProvider`, `EndpointProvider`.

These three paths are in every state file for ever: the classes never move, hold nothing, and take no arguments.
Each method parses what came, calls into the package, and wraps the result; see `hfdeploy.provider.boundary` for what
may leave it, and `hfdeploy.provider.props` for what crosses the wire.
"""

import sys
from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from hfdeploy.diff import REPLACES
from hfdeploy.errors import SpecError
from hfdeploy.owner import new_owner_id
from hfdeploy.provider import configuration, guard, identity, today
from hfdeploy.provider.boundary import guarded, hinted
from hfdeploy.provider.difference import replaced
from hfdeploy.provider.host import current_row, log_to_engine, prepare, watch_engine
from hfdeploy.provider.props import Props, has_unknown, inputs_of, plain, spec_fields
from hfdeploy.provider.session import open_session, session
from hfdeploy.spec import parse_spec

_SHOWABLE = frozenset({"name", "namespace", "repository", "cloud", "region", "instance", "autoscaling", "security"})
"""Properties whose value may be printed: a check failure shows the value of the property it names."""


class _Provider(ResourceProvider):
    """What the three have in common: no state of their own, and a process made ready once."""

    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[type["_Provider"], tuple[()]]:
        """Pickle to the class's path alone, whatever anybody puts on an instance."""
        return type(self), ()

    @guarded
    def configure(self, req: ConfigureRequest) -> None:
        """Take the stack's configuration, prepare the host, and follow the engine's end."""
        # An exception is shown with its traceback; one sentence is what helps.
        sys.tracebacklimit = 0
        log_to_engine()
        prepare()
        watch_engine()
        config = req.config._props  # noqa: SLF001 - secrets may have any key of the stack; get() needs to know it
        own = f"{req.config._project_name}:"  # noqa: SLF001
        bare = {key.removeprefix(own): str(value) for key, value in config.items() if key.startswith(own)}
        open_session(bare | {key: str(value) for key, value in config.items()})


class GuardProvider(_Provider):
    """One per stack: mints the owner id and remembers the members."""

    @guarded
    def check(self, olds: Props, news: Props) -> CheckResult:
        """The one place that stops a run before anything is touched; the owner is never an input."""
        guard.require_few_losses(olds, news, session())
        return CheckResult(guard.inputs_of(news), [])

    @guarded
    def create(self, props: Props) -> CreateResult:
        """Mint the owner id: random, so that a copy of the program with another backend is another owner."""
        owner = new_owner_id()
        return CreateResult(owner, guard.outputs(owner, props, {}))

    @guarded
    def diff(self, _id: str, olds: Props, news: Props) -> DiffResult:
        """The member list is kept up to date."""
        return DiffResult(changes=guard.is_changed(olds, news))

    @guarded
    def update(self, _id: str, olds: Props, news: Props) -> UpdateResult:
        """Remember the new members."""
        return UpdateResult(guard.outputs(olds["owner"], news, olds))

    @guarded
    def read(self, id_: str, props: Props) -> ReadResult:
        """The guard lives in the state alone."""
        session().note_members(len(props.get("members") or []))
        return ReadResult(id_, dict(props), guard.inputs_of(props))

    @guarded
    def delete(self, _id: str, props: Props) -> None:
        """Stays, and keeps `destroy` from ending green, while an endpoint of this stack is alive that nobody kept."""
        guard.require_nothing_left(props, session(), current_row())


class IdentityProvider(_Provider):
    """Existence of one endpoint: it is there and ours, or it is gone."""

    @guarded
    def check(self, olds: Props, news: Props) -> CheckResult:
        """The second line of checking, for programs that do not use `deploy`."""
        identity.note_retention(news, session())
        today.tell(olds, news, session(), current_row())
        return CheckResult(inputs_of(news), _failures(news))

    @guarded
    def diff(self, _id: str, olds: Props, news: Props) -> DiffResult:
        """Only what the API cannot update matters: such a change deletes the endpoint and makes another."""
        fields = replaced(plain(olds), spec_fields(news), REPLACES)
        if fields:
            current_row().note(
                f"a changed {', '.join(fields)} replaces {olds['namespace']}/{olds['name']}: it is deleted first, "
                f"nothing answers until the new one runs, and its URL may be another"
            )
        return DiffResult(changes=bool(fields), replaces=fields, delete_before_replace=True)

    @guarded
    def create(self, props: Props) -> CreateResult:
        """Ask for the endpoint and return at once.

        Pulumi forgets a resource whose create() raises, and a forgotten endpoint keeps billing. So nothing here may
        fail after the request was accepted; waiting, verifying and restoring belong to `EndpointProvider`.
        """
        outs = identity.ensure(props, session(), current_row())
        return CreateResult(f"{outs['namespace']}/{outs['name']}", outs)

    @guarded
    def update(self, _id: str, olds: Props, _news: Props) -> UpdateResult:
        """Existence has nothing to update."""
        return UpdateResult(dict(olds))

    @guarded
    @hinted
    def read(self, id_: str, props: Props) -> ReadResult:
        """Gone is gone: an empty id drops it from the state, and the next `up` makes it again."""
        found = identity.read(props, session())
        return ReadResult("", {}) if found is None else ReadResult(id_, found)

    @guarded
    def delete(self, _id: str, props: Props) -> None:
        """Delete the endpoint that the state made; parses nothing it does not need, so that nothing prevents it."""
        identity.remove(plain(props), session(), current_row())


class EndpointProvider(_Provider):
    """One configuration brought live. It owns nothing, so its failure loses nothing."""

    @guarded
    def check(self, _olds: Props, news: Props) -> CheckResult:
        """Inputs without what is an output only; the identity has reported the spec's problems already.

        The place where a stack that blocks drift stops: a diff is asked for by `pulumi refresh`, too.
        """
        configuration.require_agreed(news, session())
        return CheckResult(inputs_of(news), [])

    @guarded
    def diff(self, _id: str, olds: Props, news: Props) -> DiffResult:
        """Changed means that the spec means something else, the endpoint is another, or a secret's value is."""
        if has_unknown(news):
            return DiffResult(changes=True)
        return DiffResult(changes=bool(configuration.differences(olds, news, session(), current_row())))

    @guarded
    def create(self, props: Props) -> CreateResult:
        """The first rollout of an endpoint, or one that an earlier run did not finish."""
        outs = configuration.bring(plain(props), None, session(), current_row())
        return CreateResult(f"{outs['namespace']}/{outs['name']}", outs)

    @guarded
    def update(self, _id: str, olds: Props, news: Props) -> UpdateResult:
        """Bring the changed configuration live; on failure the state keeps the old inputs and the next run tries."""
        return UpdateResult(configuration.bring(plain(news), plain(olds), session(), current_row()))

    @guarded
    @hinted
    def read(self, id_: str, props: Props) -> ReadResult:
        """What is live, in the spec's words: drift is a property that differs."""
        found = configuration.read(props, session(), current_row())
        return ReadResult("", {}) if found is None else ReadResult(id_, *found)

    @guarded
    def delete(self, _id: str, _props: Props) -> None:
        """Sends nothing: the endpoint goes with its identity."""


def _failures(news: dict[str, Any]) -> list[CheckFailure]:
    if has_unknown(spec_fields(news)):
        return []
    try:
        parse_spec(spec_fields(news))
    except SpecError as error:
        return [
            CheckFailure(root if (root := problem.field.partition(".")[0]) in _SHOWABLE else "name", str(problem))
            for problem in error.problems
        ]
    return []
