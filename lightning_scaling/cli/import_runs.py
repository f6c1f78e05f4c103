"""`lightning-scaling import`: runs from log files, folders or another store into a store."""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import click

from lightning_scaling.cli.options import Count, column_options, file_options, names_option
from lightning_scaling.importers import Options, Reading
from lightning_scaling.importers.read import Read, read_each
from lightning_scaling.importers.records import Action, Item, preview, write
from lightning_scaling.importers.runs_table import RunsTable
from lightning_scaling.numbers import ABSENT, count, loss, shortened
from lightning_scaling.run.record import RunRecord

EXAMPLES = """
\b
Examples:
  lightning-scaling import lightning_logs/ --experiment ladder --params 124M
  lightning-scaling import 'runs/*.csv' --store runs/ --experiment ladder --tokens-per-step 0.5M --yes
  lightning-scaling import sqlite:///other.db --names loss=val_loss,tokens_per_step=8192,params=n_params
"""


@click.command("import", epilog=EXAMPLES)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("--store", help="Where to: an MLflow tracking URI or a folder.  [default: sqlite:///mlflow.db]")
@click.option("--experiment", default="imported", show_default=True, help="Name of the experiment to write into.")
@click.option("--params", type=Count(), help="N: params of the model, where the files do not hold it.")
@click.option("--family", metavar="NAME", help="Name under which these runs are compared.")
@click.option("--run", metavar="NAME", help="Only the run of this name, where a file holds several.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else; writes only with --yes.")
@column_options
@names_option
def command(**given: Any) -> None:
    """Bring runs into a store: files of any kind, folders of loggers, globs, or another MLflow store.

    A table shows what was understood and what would be written before anything is. A run that is there already is left alone.
    """
    bring(**given)


_MOST_SHOWN = 60


def bring(
    sources: Sequence[str],
    store: str | None,
    experiment: str,
    params: float | None,
    family: str | None,
    run: str | None,
    yes: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Read, show, ask, write; exit code 2 where nothing could be read or the store did not take everything."""
    options = replace(file_options(given, run), names=given.pop("names"))
    found = (each for source in sources for each in _read(source, options))
    items = preview(_shown(found, as_json), _there(store, experiment), None if params is None else int(params), family)
    if not items:
        raise ValueError(f"no runs in {', '.join(sources)}")
    if not as_json:
        _table(items)
    new = [item for item in items if item.action in (Action.NEW, Action.GROWN)]
    agreed = bool(new) and (yes or (not as_json and _asked(len(new), store, experiment)))
    refused = _written(new, store, experiment, as_json) if agreed else []
    if as_json:
        click.echo(
            json.dumps({"runs": [_plain(item) for item in items], "written": len(new) * agreed, "refused": refused}, allow_nan=False)
        )
    else:
        click.echo(f"{len(new)} runs written to experiment {experiment!r}" if agreed else "nothing written")
        for sentence in refused:
            click.echo(sentence, err=True)
    if refused or all(item.action is Action.SKIPPED for item in items):
        raise SystemExit(2)


def _read(source: str, options: Options) -> Iterator[Read | ValueError]:
    if "://" in source or source.endswith(".db"):
        from lightning_scaling.importers.another_store import read_store

        yield from read_store(source, options)
    else:
        yield from read_each(source, options)


def _there(store: str | None, experiment: str) -> list[RunRecord]:
    """The runs of the experiment; none where store or experiment are not made yet."""
    from lightning_scaling.store import load

    try:
        return list(load(store, [experiment]))
    except ValueError:
        return []


def _shown(found: Iterable[Read | ValueError], quiet: bool) -> Iterator[Read | ValueError]:
    """The same, with a count on the terminal while it takes long."""
    for number, each in enumerate(found, 1):
        if not quiet and sys.stderr.isatty() and number % 10 == 0:
            click.echo(f"\rread {number} runs", nl=False, err=True)
        yield each


def _asked(number: int, store: str | None, experiment: str) -> bool:
    if not sys.stdin.isatty():
        raise ValueError(f"{number} runs would be written to experiment {experiment!r}: add --yes to write them")
    return click.confirm(f"Write {number} runs to experiment {experiment!r} of {store or 'the default store'}?")


def _written(new: list[Item], store: str | None, experiment: str, quiet: bool) -> list[str]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), disable=quiet or not sys.stderr.isatty()) as bar:
        task = bar.add_task("writing", total=len(new))
        return write(new, store, experiment, lambda item: bar.advance(task))


def _table(items: list[Item]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("run", "kind", "loss", "points", "up to", "last loss", "rate", "params", "what is done")
    for item in items[:_MOST_SHOWN]:
        if item.record is None:
            continue
        record, log = item.record, item.read if isinstance(item.read, Reading) else None
        points, rate = (1, None) if log is None else (len(log.curve), log.lr)
        to = f"{count(record.tokens)} {_unit(item)}"
        cells = (shortened(record.name, 30), record.extra["kind"], record.conventions.loss, str(points), to, loss(record.loss))
        table.add_row(*(Text(cell) for cell in (*cells, rate or ABSENT, count(record.curve.params), str(item.action))))
    console = Console()
    if table.row_count:
        console.print(table)
    if len(items) > _MOST_SHOWN:
        console.print(f"… and {len(items) - _MOST_SHOWN} more")
    for item in items:
        if item.action is Action.SKIPPED:
            console.print(f"skipped: {item.reason}", markup=False, soft_wrap=True)
    for remark, names in _remarks(items).items():
        console.print(f"{names[0]}{f' and {len(names) - 1} more' * (len(names) > 1)}: {remark}", markup=False, soft_wrap=True)
    for read in {id(item.read): item.read for item in items if isinstance(item.read, RunsTable)}.values():
        for line in read.lines():
            console.print(line, markup=False, soft_wrap=True)
    if any(_unit(item) != "tokens" for item in items):
        console.print("runs that count steps or epochs cannot enter a law beside runs that count tokens: give --tokens-per-step")


def _remarks(items: list[Item]) -> dict[str, list[str]]:
    """The runs of each remark and of each reason why rows of a log were skipped."""
    found: dict[str, list[str]] = {}
    for item in items:
        if item.record is not None and isinstance(item.read, Reading):
            for remark in (*item.read.remarks, *(f"skipped rows ({each['reason']})" for each in item.read.skipped)):
                found.setdefault(remark, []).append(item.record.name)
    return found


def _unit(item: Item) -> str:
    return item.read.unit if isinstance(item.read, Reading) else "tokens"


def _plain(item: Item) -> dict[str, Any]:
    if item.record is None or item.read is None:
        return {"action": item.action.name, "reason": item.reason}
    read = item.read.to_json()
    return {"action": item.action.name, "key": item.record.key, "name": item.record.name, "params": item.record.curve.params, "read": read}
