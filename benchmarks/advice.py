"""Is the advice right, and is it worth following?

    python benchmarks/advice.py [--curves 1000]        synthetic runs with known truths
    python benchmarks/advice.py --data DIR             value on real runs, beside EarlyStopping

The first prints, for each kind of truth, the share of runs that got a right verdict, the share with a false alarm (a verdict that would end
or change a run before there is cause), and how much of the plan passed from the truth to its verdict. The second replays real runs
(curves.parquet and curve_meta.parquet in DIR) and prints compute saved against loss given up, over thresholds and over patiences.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from advice_truths import KINDS, Truth, draw
from advice_value import study
from rich.console import Console
from rich.progress import track
from rich.table import Table

import lightning_scaling as ls

QUIET = frozenset({"TOO_EARLY", "CONTINUE", "CONTINUE_PAST_PLAN", "FRESH_DATA"})
FINISH = 0.97  # of the plan: what is said after it ends no run early


def replay(truth: Truth, evaluations: int) -> tuple[bool, bool, float]:
    """(a right verdict came, a false alarm came, delay as a share of the plan)."""
    alarm, first = False, None
    for index in np.unique(np.linspace(4, len(truth.curve) - 1, evaluations).astype(int)):
        seen = truth.curve.take(slice(0, index + 1))
        tokens = float(seen.tokens[-1])
        verdict = ls.advise(seen, truth.planned).verdict.name
        due = tokens >= truth.onset
        alarm |= tokens < FINISH * truth.planned and verdict not in QUIET and not (due and verdict in truth.right)
        if due and verdict in truth.right and first is None:
            first = tokens
    if truth.kind == "healthy":
        return not alarm, alarm, 0.0
    return first is not None, alarm, 0.0 if first is None else (first - truth.onset) / truth.planned


def synthetic(curves: int, evaluations: int, console: Console) -> None:
    """The table of truths."""
    rows = defaultdict(list)
    for number in track(range(curves), description="runs", console=console, disable=not console.is_terminal):
        truth = draw(number)
        rows[truth.kind].append(replay(truth, evaluations))
    table = Table("truth", "runs", "right %", "false alarms %", "delay median %", "delay p90 %", title=f"{curves} synthetic runs")
    for kind in (k for k in KINDS if k in rows):
        right, alarm, delay = (np.array(v, dtype=float) for v in zip(*rows[kind], strict=True))
        late = delay[right > 0] if right.any() else np.array([np.nan])
        cells = [f"{100 * v:.1f}" for v in (right.mean(), alarm.mean(), np.median(late), np.quantile(late, 0.9))]
        table.add_row(kind, str(len(right)), *cells)
    console.print(table)


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


if __name__ == "__main__":
    main()
