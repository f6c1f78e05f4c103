"""What following the advice is worth on real runs: compute saved against loss given up, over thresholds, beside EarlyStopping.

Every run is evaluated sixty times. A policy ends a run at an evaluation; saved is the share of its tokens not trained, given up how far the
best loss until then lies above the best of the whole run. Verdicts of "a plateau at this rate" end a run too, since no data shows
what the decay they ask for would have brought.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

import lightning_scaling as ls
from lightning_scaling.advice import evidence as judged
from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting import forecast

EVALUATIONS = 60
THRESHOLDS = (None, 0.0002, 0.0005, 0.002, 0.005, 0.01, 0.02, 0.04)
PATIENCES = (3, 5, 7, 10, 15, 20, 30)
ENDS = frozenset({"NOTHING_LEFT", "FLAT_AT_THIS_RATE", "OVERFITTING", "TURNED_UP", "LARGER_MODEL"})


@dataclass(frozen=True, eq=False)
class Run:
    """A finished real run and the losses its evaluations saw."""

    curve: ls.Curve
    index: NDArray[np.intp]
    seen: Floats


class Shared:
    """Forecasts of one run made once for all thresholds: they do not depend on them."""

    def __init__(self) -> None:
        self.made: dict[Any, Any] = {}

    def __call__(self, curve: ls.Curve, at: Any, **given: Any) -> Any:
        key = (len(curve), tuple(np.atleast_1d(at)), id(curve.schedule))
        if key not in self.made:
            self.made[key] = (forecast(curve, at, **given), curve.schedule)  # the schedule is kept, so that its id stays its own
        return self.made[key][0]


def read(folder: Path) -> list[Run]:
    """The runs with twenty evaluations or more, from the end of warm-up on."""
    import pandas as pd

    meta = pd.read_parquet(folder / "curve_meta.parquet").set_index("curve_id")
    runs = [_run(meta.loc[name], rows) for name, rows in pd.read_parquet(folder / "curves.parquet").groupby("curve_id", sort=True)]
    return [run for run in runs if len(run.index) >= 20]


def _run(meta: Any, rows: Any) -> Run:
    clock = rows.tokens if rows.tokens.notna().all() else rows.step
    x, y, step = clock.to_numpy(float), rows.loss.to_numpy(float), rows.step.to_numpy(float)
    warm = float(meta.warmup_steps) if np.isfinite(meta.warmup_steps) else 0.0
    keep = step > warm if warm else x > 0.01 * x[-1]
    schedule = ls.Schedule(step, rows.lr.to_numpy(float)) if rows.lr.notna().all() else None
    unique = float(meta.unique_tokens) if np.isfinite(meta.unique_tokens) else None
    curve = ls.Curve(x[keep], y[keep], step[keep], schedule, int(meta.n_params), unique)
    marks = np.linspace(0, curve.tokens[-1], EVALUATIONS + 1)[1:]
    index = np.unique(np.searchsorted(curve.tokens, marks).clip(max=len(curve) - 1))
    edges = np.r_[0, index[:-1] + 1]
    means = np.array([curve.loss[a : b + 1].mean() for a, b in zip(edges, index, strict=True)])
    return Run(curve, index, curve.loss[index] if meta.loss_kind == "val" else means)


def outcome(run: Run, stop: int | None) -> tuple[float, float]:
    """(saved, given up) in percent."""
    last = len(run.index) - 1
    stop = last if stop is None else stop
    saved = 1 - run.curve.tokens[run.index[stop]] / run.curve.tokens[-1]
    return 100 * float(saved), 100 * float(run.seen[: stop + 1].min() / run.seen.min() - 1)


def advised(run: Run, threshold: float | None) -> int | None:
    """The first evaluation whose advice ends the run."""
    planned = float(run.curve.tokens[-1])
    for number, index in enumerate(run.index[:-1]):
        if ls.advise(run.curve.take(slice(0, int(index) + 1)), planned, threshold=threshold).reason.name in ENDS:
            return number
    return None


def patient(seen: Floats, patience: int) -> int | None:
    """Where Lightning's EarlyStopping(patience, min_delta=0) stops."""
    best, waited = np.inf, 0
    for number, value in enumerate(seen):
        best, waited = (value, 0) if value < best else (best, waited + 1)
        if waited >= patience:
            return number
    return None


def study(folder: Path, every: int, console: Console) -> None:
    """The table, and whether the advice lies below EarlyStopping at each of its points."""
    policies: dict[str, Callable[[Run], int | None]] = {f"patience {p}": lambda run, p=p: patient(run.seen, p) for p in PATIENCES}
    policies |= {f"threshold {t or 'default'}": lambda run, t=t: advised(run, t) for t in THRESHOLDS}
    points: dict[str, list[tuple[float, float]]] = {name: [] for name in policies}
    for run in track(read(folder)[::every], description="runs", console=console, disable=not console.is_terminal):
        judged.forecast_of = Shared()
        for name, policy in policies.items():
            points[name].append(outcome(run, policy(run)))
    judged.forecast_of = forecast
    console.print(_table({name: np.mean(found, axis=0) for name, found in points.items()}))


def _table(means: dict[str, Floats]) -> Table:
    ours = np.array(sorted(tuple(v) for k, v in means.items() if k.startswith("threshold")))
    table = Table("policy", "compute saved %", "loss given up %", "the advice gives up at the same saving %", title="value on real runs")
    for name, (saved, given_up) in means.items():
        same = (
            f"{np.interp(saved, [0, *ours[:, 0]], [0, *ours[:, 1]]):.4f}" if name.startswith("patience") and saved <= ours[-1, 0] else "–"
        )
        table.add_row(name, f"{saved:.2f}", f"{given_up:.4f}", same)
    return table
