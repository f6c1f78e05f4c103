"""`lightning-scaling ladder`: plan, run, watch, resume and cancel the runs of a design."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])
EXAMPLES = """
\b
Examples:
  lightning-scaling ladder plan design.yaml
  lightning-scaling ladder run design.yaml --set retries=2
  lightning-scaling ladder run --builder my_models:build --kind ladder=20 --size 10M --size 20M --set batch_tokens=65536
  lightning-scaling ladder run design.yaml --engine ray --address auto
  lightning-scaling ladder status design.yaml
"""
OPTIONS = (
    click.argument("design", required=False),
    click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Replace a key at the top of the design (value in YAML)."),
    click.option("--builder", help="Import path module:function, instead of a file."),
    click.option("--kind", metavar="KIND=VALUE", help="ladder=20 (tokens per parameter) or isoflop=[1e18,3e18], instead of a file."),
    click.option("--size", "sizes", multiple=True, help="A model size, such as 10M or {width: 64}; several make a ladder."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."),
)
ENGINE = (
    click.option("--engine", type=click.Choice(["local", "ray", "slurm"]), default="local", show_default=True, help="Where cells run."),
    click.option("--lanes", type=click.IntRange(min=1), help="Cells at a time on this machine.  [default: what its cores allow]"),
    click.option("--address", help="Ray: of the cluster; 'auto' for the running one.  [default: a cluster on this machine]"),
    click.option("--gpus", type=click.FloatRange(min=0), default=0, help="Ray and SLURM: accelerators of a cell."),
    click.option("--partition", help="SLURM: partition."),
    click.option("--minutes", type=click.IntRange(min=1), help="SLURM: time limit of a job; it is requeued and resumes."),
    click.option("--early", is_flag=True, help="End cells whose end is known, or that left their family; spend what is saved."),
    click.option("--slurm-executor", type=click.Choice(["slurm", "local"]), help="SLURM: 'local' runs the jobs here, to try it."),
)


def with_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """All of these options, in this order."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


@click.group("ladder", epilog=EXAMPLES)
def command() -> None:
    """Plan, run and watch trainings of many sizes, on this machine or on a cluster.

    DESIGN is a YAML file, or the name of a bundled design (demo, quick).
    """


@command.command("plan")
@with_options(*OPTIONS)
@click.option("--no-measure", is_flag=True, help="Do not time the first steps of the smallest and the largest cell.")
@click.option("--lanes", type=click.IntRange(min=1), help="Cells at a time.  [default: what the cores of this machine allow]")
def plan(as_json: bool, no_measure: bool, lanes: int | None, **given: Any) -> None:
    """Show cells, tokens, compute, time and what the design will identify; nothing is trained but the steps that are timed."""
    from lightning_scaling.cli.ladder_options import chosen
    from lightning_scaling.cli.ladder_words import show_plan

    show_plan(chosen(**given), as_json, not no_measure, lanes)


@command.command("run")
@with_options(*OPTIONS, *ENGINE)
@click.option("--dry-run", is_flag=True, help="The same as `plan`.")
def run(as_json: bool, dry_run: bool, **given: Any) -> None:
    """Train what is not yet trained: finished cells are left out, interrupted ones resume, failed ones are tried again."""
    _run(as_json, dry_run, given)


@command.command("resume")
@with_options(*OPTIONS, *ENGINE)
def resume(as_json: bool, **given: Any) -> None:
    """Continue a ladder that was stopped or cancelled; the same as `run`."""
    _run(as_json, False, given)


def _run(as_json: bool, dry_run: bool, given: dict[str, Any]) -> None:
    from lightning_scaling.cli.ladder_options import chosen, engine_options
    from lightning_scaling.cli.ladder_run import run_and_show
    from lightning_scaling.cli.ladder_words import show_plan

    where = {name: given.pop(name) for name in ("engine", "lanes", "address", "gpus", "partition", "minutes", "slurm_executor")}
    if given.pop("early"):
        given["changes"] = ("early=true", *given["changes"])  # a share that --set gives stays
    design = chosen(**given)
    if dry_run:
        return show_plan(design, as_json, True, where["lanes"])
    run_and_show(design, where["engine"], where["lanes"], engine_options(where), as_json)
    return None


@command.command("status")
@with_options(*OPTIONS)
@click.option("--watch", type=click.FloatRange(min=1), metavar="SECONDS", help="Show it again this often until all have ended.")
def status(as_json: bool, watch: float | None, **given: Any) -> None:
    """How far each cell is, what failed and why, and the time left; read from the store, so from any machine."""
    from lightning_scaling.cli.ladder_options import chosen
    from lightning_scaling.cli.ladder_words import show_status

    if watch is not None and as_json:
        raise ValueError("--json prints one document and --watch many: give one of them")
    show_status(chosen(**given), as_json, watch)


@command.command("cancel")
@with_options(*OPTIONS)
def cancel(as_json: bool, **given: Any) -> None:
    """Ask every cell, wherever it is trained, to save a checkpoint and end."""
    import json

    from lightning_scaling.cli.ladder_options import chosen
    from lightning_scaling.ladder.run_folder import cancel as mark

    design = chosen(**given)
    mark(design)
    text = f"{design.name} is cancelled: its cells end after a checkpoint in {design.folder}; `ladder resume` continues"
    click.echo(json.dumps({"cancelled": design.name, "folder": design.folder}) if as_json else text)
