"""fit: whether a model fits, and on what."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from hfdeploy import render
from hfdeploy.catalog import Hardware
from hfdeploy.cli import terminal
from hfdeploy.cli.lock import lock, read_repository
from hfdeploy.cli.options import (
    PROGRAM,
    ApiUrlOption,
    FormatOption,
    NamespaceOption,
    ProgramOption,
    StackOption,
    examples,
)
from hfdeploy.cli.service import best_catalog, choose
from hfdeploy.cli.terminal import Format
from hfdeploy.errors import UnknownHardware, UsageError
from hfdeploy.fit import (
    Fit,
    FitVerdict,
    Load,
    Model,
    Precision,
    UnknownShape,
    Weights,
    llamacpp_load,
    rank,
    read_shape,
    ways_out,
)
from hfdeploy.labels import resolve
from hfdeploy.settings import Settings

_DTYPES: Final = {
    "auto": Precision.STORED,
    "stored": Precision.STORED,
    "int8": Precision.INT8,
    "int4": Precision.INT4,
    "half": Precision.HALF,
    "bfloat16": Precision.HALF,
    "float16": Precision.HALF,
}


_ELEMENTS: Final = {"float32": ("F32", 4), "float16": ("F16", 2), "bfloat16": ("BF16", 2)}
"""Types of config.json as headers call them, and bytes of one element."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(
        epilog=examples(
            "hfdeploy fit tiiuae/falcon-40b-instruct --cloud aws --region us-east-1",
            "hfdeploy fit meta-llama/Llama-3.1-8B-Instruct --cloud aws --region us-east-1 --instance 'nvidia-l4 x1' "
            "--max-model-len 8192 --concurrency 4",
            "hfdeploy fit bartowski/Meta-Llama-3.1-8B-Instruct-GGUF --gguf Meta-Llama-3.1-8B-Instruct-Q4_K_M.gguf "
            "--cloud aws --region us-east-1 --max-model-len 8192",
            "hfdeploy fit acme/own --config config.json --weights-bytes 14483464192 --cloud gcp --region us-east4",
        )
    )(fit)
    app.command(epilog=examples("hfdeploy lock", "hfdeploy lock specs/ --stack prod"))(lock)


def fit(
    repository: Annotated[str, typer.Argument(metavar="REPO", help="The model, org/name.")],
    cloud: Annotated[str, typer.Option(help="aws, azure, gcp, or what else the catalogue has.")],
    region: Annotated[str, typer.Option(help="Such as us-east-1.")],
    instance: Annotated[str | None, typer.Option(help="Mark this one, and show its arithmetic.")] = None,
    max_model_len: Annotated[
        int | None, typer.Option(min=1, help="Tokens of one sequence (else what the model allows).")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Sequences of that length at once.")] = 1,
    dtype: Annotated[str, typer.Option(help=f"Weights in memory: {', '.join(_DTYPES)}.")] = "auto",
    gguf: Annotated[
        str | None, typer.Option(help="The GGUF file in the repository, judged as llama.cpp runs it.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="A branch or commit (else main).")] = None,
    config: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A config.json on this machine; asks no Hub.")
    ] = None,
    weights_bytes: Annotated[int | None, typer.Option(min=1, help="Bytes of the weights, with --config.")] = None,
    output: FormatOption = Format.TEXT,
    stack: StackOption = None,
    program: ProgramOption = PROGRAM,
    namespace: NamespaceOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Rank a region's instances by what fits.

    Cheapest that fits first, and why each other does not.
    The sizes are those in the headers of its safetensors files, or of a GGUF file; the weights are not fetched, and no
    code of the repository is run. What is not known is `unknown`, never a fit. Ends with 5 when --instance does not
    hold it.
    """
    chosen = choose(stack=stack, program=program, namespace=namespace, api_url=api_url)
    precision = _precision(dtype)
    catalog = best_catalog(chosen)
    rows = [row for row in catalog.rows if (row.vendor, row.region) == (cloud, region)]
    if not rows:
        raise UnknownHardware(f"The catalogue has no hardware in {cloud} {region}: `hfdeploy catalog` lists what is.")
    asked = resolve(instance, cloud=cloud, region=region, catalog=catalog).hardware if instance else None
    model = _model(chosen, repository, revision, gguf, config, weights_bytes)
    told = {"half": "float16"}.get(dtype, dtype) if precision is Precision.HALF else ""
    load = Load(max_model_len=max_model_len, concurrency=concurrency, precision=precision, dtype=told)
    if model.file:
        load = _of_llamacpp(load)
    fits = rank(model, rows, load)
    _show(model, fits, asked, output)
    found = next((one for one in fits if asked and one.hardware.id == asked.id), None)
    if found and output is Format.TEXT:
        _explain(model, found, rows, load)
    if found and found.verdict is FitVerdict.NO_FIT:
        raise typer.Exit(5)


def _precision(dtype: str) -> Precision:
    if dtype not in _DTYPES:
        raise UsageError(f"--dtype is one of {', '.join(_DTYPES)}, not {dtype!r}.")
    return _DTYPES[dtype]


def _of_llamacpp(load: Load) -> Load:
    """llama.cpp takes the cache of all sequences at its start, and the files' own precision."""
    if load.precision is not Precision.STORED:
        raise UsageError("A GGUF file is of the precision that it is stored in: leave --dtype out.")
    return replace(llamacpp_load(load.max_model_len), concurrency=load.concurrency)


def _model(
    chosen: Settings,
    repository: str,
    revision: str | None,
    gguf: str | None,
    config: Path | None,
    weights_bytes: int | None,
) -> Model:
    if (config is None) != (weights_bytes is None):
        raise UsageError("--config and --weights-bytes belong together: the one has the shape, the other the size.")
    if config and gguf:
        raise UsageError("--gguf is read from the Hub, and --config asks no Hub: leave one of them out.")
    if config is None or weights_bytes is None:
        locked = read_repository(chosen, repository, revision, gguf, is_any=True)
        if locked.model is None:
            raise UsageError(f"{locked.unknown} So nobody can say whether it fits.")
        return locked.model
    try:
        document = json.loads(config.read_text(encoding="utf-8"))
        shape = read_shape(document if isinstance(document, dict) else {})
    except (ValueError, RecursionError):
        raise UsageError(f"{config} is no JSON.") from None
    except UnknownShape as problem:
        raise UsageError(f"{config}: {problem}, so nobody can say whether it fits.") from None
    return Model(repository, _said(weights_bytes, document), shape)


def _said(size: int, config: Mapping[str, Any]) -> Weights:
    """Weights of which only the bytes are said: how many elements follows from the type in config.json.

    Where that has packed them, nobody says how many parameters they stand for.
    """
    if config.get("quantization_config"):
        return Weights(size, size, ("packed",))
    dtype = config.get("dtype") or config.get("torch_dtype")
    name, element = _ELEMENTS.get(dtype if isinstance(dtype, str) else "", ("", 2))
    return Weights(size, size // element, (name,) if name else ())


def _show(model: Model, fits: list[Fit], asked: Hardware | None, output: Format) -> None:
    mark = asked.id if asked else ""
    match output:
        case Format.JSON:
            terminal.write_json(render.fit_json(model, fits, asked=mark))
        case Format.MARKDOWN:
            terminal.write(render.markdown(render.fit_table(fits, asked=mark)))
        case Format.TEXT:
            terminal.draw_block(model.repository, render.describe_model(model))
            terminal.print_text()
            terminal.draw(render.fit_table(fits, asked=mark))


def _explain(model: Model, found: Fit, rows: Iterable[Hardware], load: Load) -> None:
    terminal.print_text()
    terminal.draw_block(f"{found.hardware.spelling}, per GPU", render.arithmetic_lines(found))
    if found.verdict is not FitVerdict.NO_FIT:
        return
    out = ways_out(model, rows, load)
    terminal.print_text()
    if out:
        terminal.print_text("What fits, cheapest first:")
        terminal.draw(render.fit_table(out))
    else:
        terminal.print_text("Nothing in this region holds it.")
