"""`lightning-scaling forecast`: where a run will end, from the CSV of its first part."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from lightning_scaling import numbers
from lightning_scaling.cli.column_options import column_options
from lightning_scaling.cli.columns import read_curve
from lightning_scaling.cli.stated_schedule import with_schedule
from lightning_scaling.forecasting import Forecast, forecast
from lightning_scaling.run.curve import Curve


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("curve")
@click.option("--at", type=float, required=True, help="Tokens (or steps, where the file has no tokens) to forecast the loss at.")
@click.option("--siblings", "siblings", multiple=True, metavar="CSV", help="A finished run of the same family; may be repeated.")
@click.option(
    "--schedule",
    "stated",
    metavar="SHAPE",
    help="The learning rate still to come, where the file ends with the losses: cosine[:END], linear[:END], wsd[:DECAY] or constant; "
    "END is a share of the peak, DECAY the share of the run over which the rate falls.",
)
@click.option("--level", type=float, default=0.9, show_default=True, help="Chance that the interval claims to hold the loss.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
@click.option("--plot", "plot", metavar="PNG", help="Draw the curve and the forecast into this file (needs matplotlib).")
@column_options
def command(
    curve: str,
    at: float,
    siblings: tuple[str, ...],
    stated: str | None,
    level: float,
    as_json: bool,
    plot: str | None,
    **columns: str | None,
) -> None:
    """Say where a run will end, from the first part of its curve.

    CURVE is a CSV with a header: tokens or step, a loss, and where possible the learning rate. Rows without a loss may carry the rates
    still to come, or --schedule states them: without either the forecast averages over the schedules that fit the rates so far.

    \b
    Example:
      lightning-scaling forecast run.csv --at 2e9 --siblings smaller.csv --plot end.png
    """
    named = {name.removesuffix("_column"): value for name, value in columns.items()}
    run = read_curve(curve, named)
    run = run if stated is None else with_schedule(run, stated, at)
    finished = [read_curve(path, named) for path in siblings]
    found = forecast(run, at, finished, level)
    if plot:
        _draw(run, finished, at, level, plot)
    click.echo(json.dumps(_document(run, found), allow_nan=False) if as_json else _sentence(run, found))


def _document(run: Curve, found: Forecast) -> dict[str, Any]:
    values = {name: getattr(found, name) for name in ("loss", "low", "high", "floor", "noise")}
    clean = {name: value if np.isfinite(value) else None for name, value in values.items()}
    words = {"outcome": found.outcome.name, "because": str(found.outcome), "law": found.law, "schedules": dict(found.schedules)}
    return {"at": found.at, "level": found.level, "seen": float(run.tokens[-1]), "points": len(run), **clean, **words}


def _sentence(run: Curve, found: Forecast) -> str:
    return f"{numbers.count(float(run.tokens[-1]))} of {numbers.count(found.at)} seen ({numbers.share(run.tokens[-1] / found.at)})\n{found}"


def _draw(run: Curve, siblings: Sequence[Curve], at: float, level: float, path: str) -> None:
    try:
        from lightning_scaling.report.figures.outlook import outlook, places

        figure = outlook(run, forecast(run, places(run, at), siblings, level))
    except ImportError:
        raise ValueError("--plot needs matplotlib: pip install 'lightning-scaling[report]'") from None
    figure.savefig(Path(path), dpi=150)
