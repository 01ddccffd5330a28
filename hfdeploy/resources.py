"""What runs in the stack program: the resources that people put there.

An `InferenceEndpoint` is one configuration brought live. Its constructor makes the `EndpointIdentity` (existence) as
its parent, and the first one of a program makes the stack's `StackGuard` (owner id, members). Nothing here talks to
any service: that happens in the plugin process, in `hfdeploy.provider`.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import pulumi
from pulumi.dynamic import Resource
from pulumi.runtime import get_root_resource

from hfdeploy.errors import UsageError
from hfdeploy.provider import EndpointProvider, GuardProvider, IdentityProvider
from hfdeploy.provider.members import member, namespaces_of
from hfdeploy.provider.props import OUTPUTS, SECRET_OUTPUTS, SPEC_FIELDS
from hfdeploy.settings import load
from hfdeploy.spec import EndpointSpec, declare
from hfdeploy.spec.section import nearest

GUARD_NAME = "stack-guard"

_stacks: "WeakKeyDictionary[pulumi.Resource, tuple[StackGuard, _Roll]]" = WeakKeyDictionary()


class ProgramError(UsageError, pulumi.RunError):
    """A mistake in the program, which Pulumi shows as its sentence alone, without a traceback."""


class StackGuard(Resource, module="hfdeploy", name="StackGuard"):
    """One per stack: mints the owner id, remembers which endpoints the stack has, and outlives all of them.

    `members` has one text per endpoint (`hfdeploy.provider.members`), `retained` those of them that are to outlive
    their resource.
    """

    owner: pulumi.Output[str]
    """Twelve hex digits, minted once and kept in the state; every endpoint of the stack carries them as a tag."""

    def __init__(
        self,
        *,
        members: pulumi.Input[Sequence[str]] | None = None,
        retained: pulumi.Input[Sequence[str] | None] = None,
        protect: bool | None = None,
    ) -> None:
        super().__init__(
            GuardProvider(),
            GUARD_NAME,
            {"members": members, "retained": retained, "owner": None},
            pulumi.ResourceOptions(protect=protect),
        )


class _Roll:
    """The endpoints that a program makes, for the guard that is made before them.

    The guard's inputs are awaited, and the loop that awaits them runs only when the program's own code has ended:
    by then every endpoint that it makes has been entered. Those made later, inside an `apply`, are not on the roll:
    the provider counts them when they are deleted, and the end of the stack finds them by their tag. For that they
    have to be where somebody looks, in a namespace of the stack.
    """

    def __init__(self) -> None:
        self._is_taken = False
        self._members: set[str] = set()
        self._retained: set[str] = set()

    def enter(self, resource: str, declared: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        """Note one endpoint."""
        one = member(declared, resource)
        if self._is_taken:
            self._require_known_namespace(one, resource)
        self._members.add(one)
        if opts.retain_on_delete:
            self._retained.add(one)

    async def members(self) -> list[str]:
        """All of them."""
        self._is_taken = True
        return sorted(self._members)

    async def retained(self) -> list[str] | None:
        """Those that are to outlive their resource; None for none."""
        return sorted(self._retained) or None

    def _require_known_namespace(self, one: str, resource: str) -> None:
        known = namespaces_of(self._members) | {pulumi.Config("hfdeploy").get("namespace") or load().namespace or ""}
        if not namespaces_of([one]) & known:
            raise ProgramError(
                f"The endpoint {resource!r} is made inside an apply, and in a namespace that nothing else of the stack "
                f"is in: were it ever left behind, nobody would look for it there. Make it outside of the apply, or "
                f"in one of {', '.join(sorted(known - {''}))}."
            )


class EndpointIdentity(Resource, module="hfdeploy", name="EndpointIdentity"):
    """Existence of one endpoint: asked for and returned at once; deleting it deletes the endpoint."""

    generation: pulumi.Output[str]
    """The endpoint's creation time, which tells it from an earlier one of the same name."""
    owner: pulumi.Output[str]
    name: pulumi.Output[str]
    namespace: pulumi.Output[str]

    def __init__(self, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        keep = True if opts.retain_on_delete else None
        super().__init__(
            IdentityProvider(), name, {**props, "logical_name": name, "generation": None, "keep": keep}, opts
        )


class InferenceEndpoint(Resource, module="hfdeploy", name="InferenceEndpoint"):
    """One Hugging Face Inference Endpoint, live as specified and proved by a streamed prompt.

    ```python
    chat = hfdeploy.InferenceEndpoint(
        "chat", repository="Qwen/Qwen2.5-7B-Instruct", cloud="aws", region="us-east-1",
        instance="nvidia-l4 x1", engine={"type": "vllm"}, max_model_len=8192,
    )
    pulumi.export("url", chat.openai_base_url)
    ```

    `spec` is an `EndpointSpec` or a mapping in the words of the YAML spec; keyword arguments are the same fields one by
    one and may be Outputs of other resources. `name` of the spec defaults to the resource's name, `namespace` to the
    stack's. Whoever depends on the endpoint, or uses `url`, starts after the verdict.

    Raises:
        ProgramError: a field that no spec has, or no namespace is known.
    """

    url: pulumi.Output[str]
    """The endpoint's base address, for native routes and clients that add their own path."""
    openai_base_url: pulumi.Output[str | None]
    """`url` + `/v1` where the engine speaks OpenAI's routes, else None."""
    model: pulumi.Output[str]
    """The name that a client has to give as `model`."""
    engine: pulumi.Output[Any]
    instance: pulumi.Output[Any]
    price_per_hour: pulumi.Output[str | None]
    """USD per replica and hour, as decimal text; None where it is not known."""
    revision: pulumi.Output[str]
    """The commit that serves."""
    state: pulumi.Output[str]
    verdict: pulumi.Output[str]
    """`passed`, or `unverified` where no prompt was sent."""
    verified_at: pulumi.Output[str | None]
    ttft_ms: pulumi.Output[float | None]
    tokens: pulumi.Output[int | None]
    tokens_per_s: pulumi.Output[float | None]
    counted_by: pulumi.Output[str | None]
    generation: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        spec: EndpointSpec | Mapping[str, Any] | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **fields: pulumi.Input[Any],
    ) -> None:
        opts = opts or pulumi.ResourceOptions()
        declared = {**_declared(spec), **{key: value for key, value in fields.items() if value is not None}}
        _refuse_unknown(resource_name, declared)
        declared.setdefault("name", resource_name)
        if declared.get("namespace") is None:
            declared["namespace"] = _stack_namespace(resource_name)
        guard, roll = _stack()
        roll.enter(resource_name, declared, opts)
        self.identity = EndpointIdentity(resource_name, {**declared, "owner": guard.owner}, _for_identity(opts))
        """The endpoint's existence, as a resource of its own."""
        props: dict[str, Any] = {
            **declared,
            "logical_name": resource_name,
            "owner": self.identity.owner,
            "generation": self.identity.generation,
        }
        for output in OUTPUTS:
            props.setdefault(output, None)
        super().__init__(EndpointProvider(), resource_name, props, _for_configuration(opts, self.identity))


def guard(*, protect: bool | None = None) -> StackGuard:
    """The guard of the stack that is being deployed; made on first use, which the first endpoint is, too.

    A program of one's own calls it before its endpoints. Where the list that it makes them from came back empty there
    is no first one, and without a guard in the program nobody asks whether all of them are meant to go.
    """
    return _stack(protect=protect)[0]


def _stack(*, protect: bool | None = None) -> tuple[StackGuard, _Roll]:
    root = get_root_resource()
    if root is None:
        raise ProgramError(
            "hfdeploy's resources live in a Pulumi program; run it with `pulumi up` or `pulumi preview`."
        )
    found = _stacks.get(root)
    if found is None:
        roll = _Roll()
        made = StackGuard(
            members=pulumi.Output.from_input(roll.members()),
            retained=pulumi.Output.from_input(roll.retained()),
            protect=protect,
        )
        found = _stacks[root] = (made, roll)
    return found


def _refuse_unknown(resource: str, declared: Mapping[str, Any]) -> None:
    """A misspelt keyword would otherwise be left out without a word; values are judged where they are known."""
    unknown = [name for name in declared if name not in SPEC_FIELDS]
    if unknown:
        told = ". ".join(f"{name} is no field of a spec{nearest(name, SPEC_FIELDS)}" for name in unknown)
        raise ProgramError(f"The endpoint {resource!r}: {told}.")


def _declared(spec: EndpointSpec | Mapping[str, Any] | None) -> dict[str, Any]:
    if spec is None:
        return {}
    return declare(spec) if isinstance(spec, EndpointSpec) else dict(spec)


def _stack_namespace(resource: str) -> str:
    namespace = pulumi.Config("hfdeploy").get("namespace") or load().namespace
    if not namespace:
        raise ProgramError(
            f"No namespace is known for the endpoint {resource!r}: set it in the spec, by "
            f"`pulumi config set hfdeploy:namespace NAME`, or as HFDEPLOY_NAMESPACE."
        )
    return namespace


def _for_identity(opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """The options that mean the endpoint itself."""
    return pulumi.ResourceOptions(
        parent=opts.parent,
        depends_on=opts.depends_on,
        protect=opts.protect,
        provider=opts.provider,
        aliases=opts.aliases,
        ignore_changes=opts.ignore_changes,
        retain_on_delete=opts.retain_on_delete,
        deleted_with=opts.deleted_with,
    )


def _for_configuration(opts: pulumi.ResourceOptions, identity: EndpointIdentity) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(
        opts, pulumi.ResourceOptions(parent=identity, additional_secret_outputs=list(SECRET_OUTPUTS))
    )
