"""Is the advice right, and is it worth following?

    python benchmarks/advice.py [--curves 1000]        synthetic runs with known truths
    python benchmarks/advice.py --data DIR             value on real runs, beside EarlyStopping

The first prints, for each kind of truth, the share of runs that got a right verdict, the share with a false alarm (a verdict that would end
or change a run before there is cause), and how much of the token budget passed from the truth to its verdict; then, on healthy runs of
difficult shapes, how often one is stopped and what that gives up. The second replays real runs (curves.parquet and curve_meta.parquet in
DIR) and prints compute saved against loss given up, over thresholds and over patiences.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from advice_healthy import SHAPES, healthy
from advice_truths import KINDS, Truth, draw
from advice_value import study
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

import lightning_scaling as ls

QUIET = frozenset({"TOO_EARLY", "CONTINUE", "CONTINUE_PAST_PLAN", "FRESH_DATA"})
FINISH = 0.97  # of the token budget: a verdict after it ends no run early


def replay(truth: Truth, evaluations: int) -> tuple[bool, bool, float]:
    """(a right verdict was given, a false alarm was given, delay as a share of the token budget)."""
    alarm, first = False, None
    for index in np.unique(np.linspace(4, len(truth.curve) - 1, evaluations).astype(int)):
        seen = truth.curve.take(slice(0, index + 1))
        tokens = float(seen.tokens[-1])
        verdict = ls.advise(seen, truth.planned).verdict.name
        due = tokens >= truth.onset
        alarm |= tokens < FINISH * truth.planned and verdict not in QUIET and not (due and verdict in truth.right)
        if due and verdict in truth.right and first is None:
            first = tokens
    if truth.kind == "healthy" or truth.onset >= FINISH * truth.planned:  # what comes about only at the end needs no call
        return not alarm, alarm, np.nan
    return first is not None, alarm, np.nan if first is None else (first - truth.onset) / truth.planned


def synthetic(curves: int, evaluations: int, console: Console) -> None:
    """The table of truths."""
    rows = defaultdict(list)
    for number in track(range(curves), description="runs", console=console, disable=not console.is_terminal):
        truth = draw(number)
        rows[truth.kind].append(replay(truth, evaluations))
    table = Table("truth", "runs", "right %", "false alarms %", "delay median %", "delay p90 %", title=f"{curves} synthetic runs")
    for kind in (k for k in KINDS if k in rows):
        right, alarm, delay = (np.array(v, dtype=float) for v in zip(*rows[kind], strict=True))
        late = delay[np.isfinite(delay)]
        delays = (np.median(late), np.quantile(late, 0.9)) if len(late) else ()
        table.add_row(kind, str(len(right)), *(f"{100 * v:.1f}" for v in (right.mean(), alarm.mean(), *delays)))
    console.print(table)


def tempting(curves: int, evaluations: int, console: Console) -> None:
    """Healthy runs of difficult shapes: how often they are stopped, and what that gives up."""
    rows = defaultdict(list)
    for number in track(range(curves), description="healthy", console=console, disable=not console.is_terminal):
        shape, curve, clean = healthy(number)
        rows[shape].append(given_up(curve, clean, evaluations))
    table = Table("shape", "runs", "stopped %", "with > 1 % to come %", "given up %", title=f"{curves} healthy runs of difficult shapes")
    for shape in (s for s in SHAPES if s in rows):
        stopped = np.array([v is not None for v in rows[shape]])
        lost = np.array([v or 0.0 for v in rows[shape]])
        table.add_row(shape, str(len(lost)), f"{100 * stopped.mean():.1f}", f"{100 * (lost > 0.01).mean():.1f}", f"{100 * lost.mean():.3f}")
    console.print(table)


def given_up(curve: ls.Curve, clean: NDArray[np.float64], evaluations: int) -> float | None:
    """Loss without noise that the first STOP gives up, as a share; None where there is none."""
    end = float(curve.tokens[-1])
    for index in np.unique(np.linspace(4, len(curve) - 1, evaluations).astype(int)):
        if curve.tokens[index] < FINISH * end and ls.advise(curve.take(slice(0, index + 1)), end).verdict.name == "STOP":
            return float(1 - clean.min() / clean[: index + 1].min())
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", type=int, default=1000, help="synthetic runs")
    parser.add_argument("--evaluations", type=int, default=25, help="evaluations in a synthetic run")
    parser.add_argument("--data", type=Path, help="folder with real runs: the study of value instead")
    parser.add_argument("--every", type=int, default=1, help="take every so many real runs")
    given = parser.parse_args()
    console = Console(width=110)
    if given.data is not None:
        study(given.data, given.every, console)
    else:
        synthetic(given.curves, given.evaluations, console)
        tempting(given.curves // 2, given.evaluations, console)


if __name__ == "__main__":
    main()
