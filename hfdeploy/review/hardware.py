"""Objections to the hardware and to what runs on it."""

from collections.abc import Iterable

from hfdeploy.fit import Fit, card_of, lacks_bfloat16
from hfdeploy.plan import ENGINE_KEYS, ParallelSizes, Plan, contradicted
from hfdeploy.review.finding import Finding, Severity, finding_of
from hfdeploy.spec import LoadedSpec


def of_instance(one: LoadedSpec, plan: Plan) -> Iterable[Finding]:
    # Deprecated and unavailable hardware is no error here, although a new endpoint cannot have it: one that runs on
    # it may stay, and a finding that blocks would stop every run of a stack on the day its hardware is retired. Where
    # something is compared with (`--against`), `with_change` knows which endpoints are new there, and makes it one.
    for warning in plan.resolution.warnings:
        fix = f'Write "{plan.hardware.spelling}".' if warning.code.startswith("label-") else ""
        yield finding_of(one, warning.code, Severity.WARNING, "instance", warning.sentence, fix=fix)


def of_engine(one: LoadedSpec, plan: Plan) -> Iterable[Finding]:
    if plan.spec.engine.type in {"tgi", "tgi_neuron"}:
        yield finding_of(
            one,
            "engine-maintenance",
            Severity.WARNING,
            "engine.type",
            "TGI is in maintenance mode since 2025-12-11; vLLM, SGLang and llama.cpp are where its users are sent.",
            fix="Set engine.type to vllm, sglang or llamacpp."
            if plan.spec.engine.type == "tgi"
            else "Set engine.type to vllm_neuron.",
        )


def of_accelerator(one: LoadedSpec, plan: Plan) -> Iterable[Finding]:
    """Neuron engines run on Neuron hardware only, and nothing else runs there; a custom container is its own affair."""
    engine, accelerator = plan.spec.engine.type, plan.hardware.accelerator
    is_neuron = engine.endswith("_neuron")
    if engine == "custom" or is_neuron == (accelerator == "neuron"):
        return
    other = engine.removesuffix("_neuron") if is_neuron else f"{engine}_neuron"
    sentence = f"{engine} does not run on {plan.hardware.spelling}, which has {accelerator} accelerators"
    if accelerator == "cpu":
        sentence = f"{engine} does not run on {plan.hardware.spelling}, which is a CPU"
    fix = f"Use {other} there, or another instance." if is_neuron or other in ENGINE_KEYS else "Use another instance."
    yield finding_of(one, "engine-hardware", Severity.ERROR, "engine.type", f"{sentence}. {fix}", fix=fix)


def of_dtype(one: LoadedSpec, plan: Plan, fit: Fit) -> Iterable[Finding]:
    """A computation that the GPU does not have. The memory that it takes is the same, so the verdict says nothing.

    vLLM refuses to start; SGLang takes float16 whatever it is told; of TGI nobody has seen it. Where an engine chooses
    for itself it chooses float16, and there is nothing to object to.
    """
    engine = plan.spec.engine.type
    if fit.load.dtype != "bfloat16" or engine not in {"vllm", "tgi"} or not lacks_bfloat16(card_of(plan.hardware)):
        return
    where = [index for index, arg in enumerate(plan.spec.args) if arg.partition("=")[0] == "--dtype"]
    field = f"args.{where[-1]}" if where else "env.DTYPE"
    is_refused = engine == "vllm"
    ends = "vLLM refuses to start" if is_refused else "it may not start"
    sentence = (
        f"{plan.hardware.spelling} does not compute in bfloat16, which takes compute capability 8.0: {ends}. "
        f"Say float16 there, or choose newer hardware."
    )
    weight = Severity.ERROR if is_refused else Severity.WARNING
    yield finding_of(one, "dtype-unsupported", weight, field, sentence, fix="Say float16.")


def of_parallel_sizes(one: LoadedSpec, plan: Plan) -> Iterable[Finding]:
    shared = plan.parallel_sizes
    if shared is None:
        return
    there = f"{plan.hardware.spelling} has {shared.accelerators} accelerator{'s' if shared.accelerators > 1 else ''}"
    if not shared.is_whole:
        asked = [f"engine.{name}" for name in shared.sizes if getattr(plan.spec.engine, name) is not None]
        fix = f"Change {' or '.join(asked)}, or leave every size out and all of them are used."
        sentence = (
            f"{_multiplied(shared)}, but {there}, and the service refuses sizes that do not multiply to "
            f"{shared.accelerators}. {fix}"
        )
        yield finding_of(one, "parallel-sizes", Severity.ERROR, asked[0], sentence, fix=fix)
    for position, flag, name in contradicted(plan.spec.args, plan.spec.engine.type, shared):
        fix = f"Take the argument out, or say it as engine.{name}."
        sentence = (
            f"{flag} gives another {name} than the request, which says {shared.sizes[name]} ({there}), and the service "
            f"counts only the request's. {fix}"
        )
        yield finding_of(one, "parallel-sizes", Severity.ERROR, f"args.{position}", sentence, fix=fix)


def _multiplied(shared: ParallelSizes) -> str:
    if len(shared.sizes) == 1:
        return f"{next(iter(shared.sizes))} is {shared.product}"
    return f"{' times '.join(f'{name} {size}' for name, size in shared.sizes.items())} is {shared.product}"
