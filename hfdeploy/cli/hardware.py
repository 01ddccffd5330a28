"""resolve, catalog: what hardware there is, and what a label means."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated

import typer

from hfdeploy import render
from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.cli import terminal
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
from hfdeploy.errors import UnknownHardware
from hfdeploy.labels import resolve as resolve_label


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(
        epilog=examples(
            'hfdeploy resolve "GPU [xlarge] · 1x A100" --cloud aws --region us-east-1',
            "hfdeploy resolve g5.2xlarge medium --cloud aws --region us-east-1",
            "hfdeploy resolve nvidia-l4 x1 --cloud gcp --region us-east4 --format json",
        )
    )(resolve)
    app.command(
        epilog=examples("hfdeploy catalog --cloud aws --region us-east-1", "hfdeploy catalog --accelerator a100")
    )(catalog)


def resolve(
    instance: Annotated[list[str], typer.Argument(metavar="INSTANCE", help="A label, an id, or a type and a size.")],
    cloud: Annotated[str, typer.Option(help="aws, azure, gcp, or what else the catalogue has.")],
    region: Annotated[str, typer.Option(help="Such as us-east-1.")],
    output: FormatOption = Format.TEXT,
    stack: StackOption = None,
    program: ProgramOption = PROGRAM,
    namespace: NamespaceOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Say which hardware an instance means, and why.

    Labels of the old web interface and old API names are understood. The live catalogue is used where a token and a
    namespace are known and the service answers, else the dated snapshot. What cannot be meant ends with 2 and the
    nearest choices.
    """
    found_by = best_catalog(choose(stack=stack, program=program, namespace=namespace, api_url=api_url))
    found = resolve_label(" ".join(instance), cloud=cloud, region=region, catalog=found_by)
    for warning in found.warnings:
        terminal.warn(f"{warning.code}: {warning.sentence}")
    facts = render.resolution_facts(found, found_by)
    match output:
        case Format.JSON:
            terminal.write_json(render.resolution_json(found, found_by))
        case Format.MARKDOWN:
            rows = (("instance", found.spelling), *facts)
            terminal.write(render.markdown(render.Table((render.Column(""), render.Column("")), rows)))
        case Format.TEXT:
            terminal.draw_block(found.spelling, facts)


def catalog(
    cloud: Annotated[str | None, typer.Option(help="Only this cloud.")] = None,
    region: Annotated[str | None, typer.Option(help="Only this region.")] = None,
    accelerator: Annotated[
        str | None, typer.Option(help="Only cpu, gpu or neuron, or a part of the type such as a100.")
    ] = None,
    output: FormatOption = Format.TEXT,
    stack: StackOption = None,
    program: ProgramOption = PROGRAM,
    namespace: NamespaceOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List the hardware on offer with prices, status and quota.

    The live catalogue where a token and a namespace are known and the service answers, else the dated snapshot.
    """
    known = best_catalog(choose(stack=stack, program=program, namespace=namespace, api_url=api_url))
    rows = _chosen(known, cloud, region, accelerator)
    table = render.catalog_table(rows, is_live=known.source == "live")
    match output:
        case Format.JSON:
            terminal.write_json(render.catalog_json(known, rows))
        case Format.MARKDOWN:
            terminal.write(render.markdown(table))
        case Format.TEXT:
            terminal.draw(table)
    if known.source == "snapshot" and output is not Format.JSON:
        terminal.note(f"This is the snapshot of {known.as_of}, not the service's list of today. Prices in USD.")


def _chosen(known: Catalog, cloud: str | None, region: str | None, accelerator: str | None) -> Sequence[Hardware]:
    """The rows that were asked for, in the order of the catalogue.

    Raises:
        UnknownHardware: there is not one.
    """
    _check("cloud", cloud, set(known.vendors))
    _check("region", region, {row.region for row in known.rows if cloud in {None, row.vendor}})
    kinds = {row.accelerator for row in known.rows} | {row.instance_type for row in known.rows}
    rows = [
        row
        for row in known.rows
        if cloud in {None, row.vendor}
        and region in {None, row.region}
        and (accelerator is None or accelerator == row.accelerator or accelerator in row.instance_type)
    ]
    if not rows:
        _check("accelerator", accelerator, kinds)
        raise UnknownHardware(f"There is no {accelerator or 'hardware'} in {cloud or 'any cloud'} {region or ''}.")
    return rows


def _check(what: str, word: str | None, known: set[str]) -> None:
    if word is None or word in known:
        return
    near = get_close_matches(word, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(sorted(known))}."
    raise UnknownHardware(f"The catalogue has no {what} {word!r}. {hint}")
