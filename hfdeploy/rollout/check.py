"""From a live endpoint, and the spec where there is one, to what has to be proved."""

from collections.abc import Sequence
from dataclasses import replace

from hfdeploy.settings import Settings
from hfdeploy.spec import EndpointSpec, VerifySpec
from hfdeploy.stream import Prompt, Route, Target
from hfdeploy.verdict import Wanted
from hfdeploy.verify import Check, Depth
from hfdeploy.wire import Endpoint


def make_check(
    live: Endpoint, settings: Settings, *, spec: EndpointSpec | None = None, mismatches: Sequence[str] = ()
) -> Check:
    """What to ask of a live endpoint: the spec's prompt and demands, or the usual ones without a spec."""
    asked = spec.verify if spec is not None else VerifySpec()
    prompt = Prompt(max_new_tokens=asked.max_new_tokens, parameters=asked.parameters)
    if asked.prompt is not None:
        prompt = replace(prompt, text=asked.prompt)
    variant = live.model.image.get(live.model.engine, {})
    return Check(
        target=Target(
            url=live.status.url or "",
            api_url=settings.api_url,
            engine=live.model.engine,
            task=live.model.task or "",
            repository=live.model.repository,
            revision=live.model.revision or "",
            mode=str(variant.get("mode") or ""),
            health_route=live.health_route or variant.get("healthRoute"),
            token=settings.token,
        ),
        prompt=prompt,
        route=Route(asked.route.value),
        wanted=Wanted(asked.expect, asked.min_tokens_per_second),
        depth=_depth(spec),
        mismatches=tuple(mismatches),
    )


def _depth(spec: EndpointSpec | None) -> Depth:
    deep = spec.verify.deep if spec is not None else None
    if spec is None or deep is None:
        return Depth()
    return Depth(
        long_prompt=spec.longest_prompt if deep.long_prompt else None,
        concurrency=deep.concurrency,
        bake=deep.bake.total_seconds() if deep.bake is not None else None,
    )
