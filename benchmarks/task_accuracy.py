"""Accuracies of larger runs, predicted in two steps from smaller ones, on a table of a ladder.

    python benchmarks/task_accuracy.py --runs ladder.csv --chance hellaswag=.25 --chance piqa=.5

Columns: params, tokens, and for each task TASK_loss (bits per byte of the right answers) and TASK_accuracy. The target is the largest run;
the second step alone is also fitted on the smaller half of the sizes and on all but two.
"""

import argparse
import csv

import numpy as np
from numpy.typing import NDArray

from lightning_scaling import fit_task, predict_larger


def main() -> None:
    """Print the second step alone (from the loss that was reached) at each cut, then both steps for the largest run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True)
    parser.add_argument("--chance", action="append", default=[])
    given = parser.parse_args()
    with open(given.runs, newline="") as file:
        rows = list(csv.DictReader(file))
    table = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    chances = {name: float(value) for name, value in (each.split("=") for each in given.chance)}
    sizes = np.unique(table["params"])
    for fitted in (len(sizes) // 2, len(sizes) - 2, len(sizes) - 1):
        second_step(table, chances, float(sizes[fitted]))
    for task, chance in chances.items():
        both_steps(task, table, chance, table["params"] < sizes[-1])


def second_step(table: dict[str, NDArray[np.float64]], chances: dict[str, float], below: float) -> None:
    """Mean absolute error in points and share inside the 90 % interval, over the runs of `below` parameters or more."""
    small, off, inside = table["params"] < below, [], []
    for task, chance in chances.items():
        loss, accuracy = table[f"{task}_loss"], table[f"{task}_accuracy"]
        found = fit_task(loss[small], accuracy[small], chance=chance).predict(loss[~small])
        off.append(100 * np.abs(found.score - accuracy[~small]))
        inside.append((found.low <= accuracy[~small]) & (accuracy[~small] <= found.high))
    print(f"fitted below {below:.3g}: off by {np.mean(off):.1f} points, {np.mean(inside):.2f} of {np.size(inside)} inside")


def both_steps(task: str, table: dict[str, NDArray[np.float64]], chance: float, small: NDArray[np.bool_]) -> None:
    """The prediction for the largest run from params and tokens alone."""
    target = int(np.argmax(table["params"] * table["tokens"]))
    runs = (table[name][small] for name in ("params", "tokens", f"{task}_loss"))
    at = (table[name][target] for name in ("params", "tokens"))
    found = predict_larger(*runs, *at, task=table[f"{task}_accuracy"][small], chance=chance)
    score = found.task
    assert score is not None
    observed = table[f"{task}_accuracy"][target]
    print(f"{task}: {score.score:.3f} ({score.low:.3f}-{score.high:.3f}), observed {observed:.3f}; {score.outcome.name}")


if __name__ == "__main__":
    main()
