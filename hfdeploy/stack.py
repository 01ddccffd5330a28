"""`deploy()`: a folder of specs becomes a Pulumi stack. All findings of all specs come first and together."""

from collections.abc import Sequence
from datetime import UTC, datetime
from glob import glob, has_magic
from pathlib import Path
from typing import Any

import pulumi

from hfdeploy import settings
from hfdeploy.catalog import Catalog
from hfdeploy.client import connect
from hfdeploy.errors import HfdeployError, Problem, SpecError, UsageError
from hfdeploy.lock import Lock, pinned, read_locks
from hfdeploy.plan import REGISTRY
from hfdeploy.policy import read_policy
from hfdeploy.provider.props import OUTPUTS
from hfdeploy.render import summary
from hfdeploy.resources import InferenceEndpoint, ProgramError, guard
from hfdeploy.review import Budget, Review, Severity, review_specs, ruled
from hfdeploy.settings import PLACEHOLDER, SPECS, secret_value
from hfdeploy.spec import FromConfig, FromEnv, LoadedSpec, SecretSource, read_specs


def deploy(specs: str | None = None) -> dict[str, InferenceEndpoint]:
    """Make every spec of the stack a running, verified endpoint, and export what its callers need.

    `specs` is a glob relative to the program's folder; left out, the stack's `hfdeploy:specs`. Returns the endpoints
    by name, for programs that go on from there.

    Raises:
        ProgramError: (a `pulumi.RunError`) with every problem of every spec, before any resource is registered.
    """
    try:
        review, catalog, namespace, lock = _prepare(specs)
    except HfdeployError as error:
        raise ProgramError(str(error)) from None
    config = pulumi.Config("hfdeploy")
    protect = config.get_bool("protect") or None
    guard(protect=protect)
    endpoints = {
        plan.name: InferenceEndpoint(
            plan.name,
            pinned(plan.spec, lock),
            pulumi.ResourceOptions(protect=protect),
            namespace=plan.spec.namespace or namespace,
        )
        for plan in review.plans
    }
    pulumi.log.info(summary(review, catalog))
    for finding in review.remarks:
        # Notes are for reviews: said again with each preview they would hide the warnings.
        if finding.severity is Severity.WARNING:
            pulumi.log.warn(str(finding), resource=endpoints.get(finding.endpoint))
    pulumi.export("endpoints", {name: _exported(endpoint) for name, endpoint in endpoints.items()})
    return endpoints


def _prepare(specs: str | None) -> tuple[Review, Catalog, str, Lock]:
    config = pulumi.Config("hfdeploy")
    values = {
        key: value for key in ("namespace", "apiUrl", "hubUrl", "token") if (value := config.get(key)) is not None
    }
    chosen = settings.load(values)
    pattern = specs or config.get("specs") or SPECS
    paths = [Path(path) for path in sorted(glob(pattern, recursive=True))]  # noqa: PTH207 - a pattern may begin with ..
    if not paths:
        raise UsageError(f"No spec matches {pattern!r} in {Path.cwd()}: set hfdeploy:specs to where they are.")
    loaded, problems = read_specs(paths, root=_root(pattern))
    namespace = chosen.namespace or ""
    if not namespace and any(one.spec.namespace is None for one in loaded):
        raise UsageError("No namespace is known: set hfdeploy:namespace, HFDEPLOY_NAMESPACE, or it in every spec.")
    if namespace == PLACEHOLDER:
        raise UsageError(
            f"hfdeploy:namespace is still the placeholder {PLACEHOLDER}: "
            f"`pulumi config set hfdeploy:namespace NAME` sets yours."
        )
    # What is wrong in the files themselves is said without asking anybody.
    may_ask = not problems and not pulumi.runtime.is_dry_run()
    lock = read_locks(loaded)
    policy = config.get("policy")
    judged = read_policy(Path(policy)) if policy else None
    review, catalog = _review(loaded, lock, chosen, namespace, may_ask=may_ask)
    today = datetime.now(UTC).date()
    review = ruled(review, loaded, lock=lock, today=today, policy=judged, budget=_budget(config))
    problems += [finding.problem for finding in review.blocking]
    problems += [] if pulumi.runtime.is_dry_run() else _missing_secrets(loaded, review)
    if problems:
        raise SpecError(problems)
    return review, catalog, namespace, lock


def _root(pattern: str) -> Path:
    """The folder that no spec may lie outside of, links followed: what a pattern names before its first wildcard."""
    parts = Path(pattern).parts
    fixed = next((index for index, part in enumerate(parts) if has_magic(part)), len(parts) - 1)
    return Path(*parts[:fixed])


def _budget(config: pulumi.Config) -> Budget | None:
    """What the stack may cost, which is among the first findings: the same as in `hfdeploy plan --stack`."""
    budget = config.get("budget")
    most = settings.load_budget({} if budget is None else {"budget": budget})
    if most is None:
        return None
    name = pulumi.get_stack().rpartition("/")[2]
    return Budget(most, *settings.budget_place(Path(f"Pulumi.{name}.yaml")))


def _review(
    loaded: Sequence[LoadedSpec], lock: Lock, chosen: settings.Settings, namespace: str, *, may_ask: bool
) -> tuple[Review, Catalog]:
    """Judge by the dated snapshot, so that one commit always reviews the same and a preview needs no network.

    Only an `up` asks the live catalogue, and only where the snapshot does not know an instance: new hardware needs no
    new release, and a preview opens no socket.
    """
    snapshot = Catalog.snapshot()
    review = review_specs(loaded, snapshot, lock)
    is_unknown = any(finding.rule == "unknown-hardware" for finding in review.blocking)
    if not (may_ask and is_unknown and chosen.token is not None):
        return review, snapshot
    try:
        with connect(chosen) as api:
            today = Catalog.from_vendors(api.hardware(namespace))
        return review_specs(loaded, today, lock), today
    except HfdeployError:
        # Without the live catalogue the snapshot's word stands, and it names its date.
        return review, snapshot


def _missing_secrets(loaded: Sequence[LoadedSpec], review: Review) -> list[Problem]:
    """Secrets whose source is not there: unknown in a preview, an error before anything is sent in an `up`."""
    files = {one.spec.name: one for one in loaded}
    missing = [
        (files[plan.name], "engine.registry.password" if name == REGISTRY else f"secrets.{name}", source)
        for plan in review.plans
        for name, source in plan.sources.items()
        if secret_value(source, config=_config_of(source)) is None
    ]
    return [
        Problem(one.file, one.line_of(field), field, f"{_where(source)} is not set, and the container needs it")
        for one, field, source in missing
    ]


def _where(source: SecretSource) -> str:
    match source:
        case FromEnv(from_env=variable):
            return f"the environment variable {variable}"
        case FromConfig(from_config=key):
            return f"the stack's config {key}"


def _config_of(source: SecretSource) -> dict[str, str]:
    if isinstance(source, FromEnv):
        return {}
    namespace, _, name = source.from_config.rpartition(":")
    value = pulumi.Config(namespace or None).get(name)
    return {} if value is None else {source.from_config: value}


def _exported(endpoint: InferenceEndpoint) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in OUTPUTS}
