"""`lightning-scaling forecast`: where a run will end, from the log of its first part."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from lightning_scaling.cli.options import column_options, file_options
from lightning_scaling.cli.stated_schedule import with_schedule
from lightning_scaling.forecasting import Forecast, forecast
from lightning_scaling.importers import Reading, read_run
from lightning_scaling.importers.reading import amount, place
from lightning_scaling.numbers import count, share
from lightning_scaling.run.curve import Curve


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("curve", metavar="FILE")
@click.option("--at", required=True, help="Where to forecast the loss: 10000, '10k steps', '200M tokens', '100 epochs'.")
@click.option("--siblings", "siblings", multiple=True, metavar="FILE", help="A finished run of the same family; may be repeated.")
@click.option(
    "--schedule",
    "stated",
    metavar="SHAPE",
    help="The remaining learning rate, where the file ends with the losses: cosine[:END], linear[:END], wsd[:DECAY] or constant; "
    "END is a share of the peak, DECAY the share of the run over which the rate falls.",
)
@click.option("--run", metavar="NAME", help="The run that is meant, where the file holds several.")
@click.option("--level", type=float, default=0.9, show_default=True, help="Chance that the interval claims to hold the loss.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
@click.option("--plot", "plot", metavar="PNG", help="Draw the curve and the forecast into this file (needs matplotlib).")
@column_options
def command(
    curve: str,
    at: str,
    siblings: tuple[str, ...],
    stated: str | None,
    run: str | None,
    level: float,
    as_json: bool,
    plot: str | None,
    **given: Any,
) -> None:
    """Forecast where a run will end, from the first part of its log.

    FILE is a log of any usual kind (CSV, JSON, parquet, text, TensorBoard, W&B, a logger's folder, - for standard input) with steps or
    tokens, a loss and, where possible, the learning rate. Rows without a loss may carry the remaining rates, or --schedule states
    them: without either the forecast averages over the schedules that fit the rates so far.

    \b
    Example:
      lightning-scaling forecast run.csv --at 2e9 --siblings smaller.csv --plot end.png
      lightning-scaling forecast train.log --at '10k steps'
    """
    amount(at)  # a place that makes no sense is reported before a long file is read
    options = file_options(given, run)
    reading = read_run(curve, options)
    finished = [read_run(path, options).curve for path in siblings]
    where, remark = place(at, reading)
    if stated is not None:
        reading = replace(reading, curve=with_schedule(reading.curve, stated, where))
    found = forecast(reading.curve, where, finished, level)
    if plot:
        _draw(reading.curve, finished, where, level, plot)
    click.echo(json.dumps(_document(reading, found, remark), allow_nan=False) if as_json else _sentence(reading, found, remark))


def _document(reading: Reading, found: Forecast, remark: str) -> dict[str, Any]:
    values = {name: getattr(found, name) for name in ("loss", "low", "high", "floor", "noise")}
    clean = {name: value if np.isfinite(value) else None for name, value in values.items()}
    words = {"outcome": found.outcome.name, "because": str(found.outcome), "law": found.law, "schedules": dict(found.schedules)}
    run, read = reading.curve, reading.to_json()
    read["remarks"] = [*read["remarks"], *([remark] if remark else [])]
    return {"at": found.at, "level": found.level, "seen": float(run.tokens[-1]), "points": len(run), **clean, **words, "read": read}


def _sentence(reading: Reading, found: Forecast, remark: str) -> str:
    run, unit = reading.curve, reading.unit
    lines = [*reading.lines(), *([remark] if remark else [])]
    seen = f"{count(run.tokens[-1])} of {count(found.at)} {unit} seen ({share(run.tokens[-1] / found.at)})"
    return "\n".join([*lines, seen, str(replace(found, unit=unit))])


def _draw(run: Curve, siblings: Sequence[Curve], at: float, level: float, path: str) -> None:
    try:
        from lightning_scaling.report.figures.outlook import outlook, places

        figure = outlook(run, forecast(run, places(run, at), siblings, level))
    except ImportError:
        raise ValueError("--plot needs matplotlib: pip install 'lightning-scaling[report]'") from None
    figure.savefig(Path(path), dpi=150)
