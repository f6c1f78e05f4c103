"""Are the constants of the interval of `predict_larger` right on families that had no part in choosing them?

    python benchmarks/larger_families.py DIR [DIR …]    # each with a runs.parquet: family, n_params, tokens, loss, flops

Every family is cut at several shares of its largest compute and the larger runs are predicted. Then each family is left out in turn: the
constants of the interval for token-level losses (margin, deviation that is never left out, growth with the square of the e-folds beyond
the runs) are, of those that hold .9 of the other families' runs, the ones with the best interval score there (Gneiting & Raftery 2007, in
% of the loss), and are asked of the one left out. Other losses keep theirs.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.configurations import configurations, merged
from lightning_scaling.laws.extrapolation import answer, larger, priors
from lightning_scaling.laws.extrapolation.posterior import LawPosterior, posterior
from lightning_scaling.laws.points import points

CUTS = (3, 10, 30, 100)
MARGINS, LEASTS, GROWTHS = (0.5, 0.6, 0.7, 0.85), (0.0, 0.003, 0.005), (0.0008, 0.0011, 0.0015)
LEVEL = 0.9
answer.HALVINGS = 24  # enough for a hundredth of a percent
Constants = tuple[float, float, float]
KINDS: tuple[priors.LossKind, ...] = ("token_log_loss", "other")
IN_USE: dict[str, Constants] = {kind: (each.margin, each.least, answer.GROWTH) for kind in KINDS for each in (priors.prior_for(kind),)}


@dataclass(frozen=True, eq=False)
class Asked:
    """Larger runs of one family: the average over laws at them, e-folds beyond the runs, ln of the observed loss over the unit."""

    family: str
    cut: int
    kind: priors.LossKind
    found: LawPosterior
    beyond: Floats
    observed: Floats

    def interval(self, constants: Constants) -> tuple[Floats, Floats]:
        """ln of the interval's ends, as `answer` gives them with these constants."""
        margin, least, growth = constants if self.kind == "token_log_loss" else IN_USE[self.kind]
        ends = [
            answer.quantile(self.found, share, margin, np.hypot(part * growth * self.beyond**2, least))
            for share, part in ((0.05, answer.LOWER), (0.95, answer.UPPER))
        ]
        middle = self.found.weight @ self.found.mean
        return np.minimum(ends[0], middle), np.maximum(ends[1], middle)

    def scores(self, constants: Constants) -> tuple[float, float, float]:
        """Interval score and width in % of the loss, and the share inside; means over the runs."""
        low, high = self.interval(constants)
        outside = np.maximum(low - self.observed, 0) + np.maximum(self.observed - high, 0)
        score = high - low + 2 / (1 - LEVEL) * outside
        return 100 * float(score.mean()), 100 * float((high - low).mean()), float((outside == 0).mean())

    @property
    def error(self) -> float:
        """Mean absolute error in %."""
        return 100 * float(np.abs(np.expm1(self.found.weight @ self.found.mean - self.observed)).mean())


def families(folder: str) -> Iterator[tuple[str, pd.DataFrame]]:
    runs = pd.read_parquet(Path(folder) / "runs.parquet")
    runs = runs[~runs.outlier & (runs.epochs.fillna(1) <= 1.0) & runs.flops.notna() & runs.tokens.notna()]
    yield from ((name, each) for name, each in runs.groupby("family") if len(each) >= 25)


def asked(name: str, runs: pd.DataFrame, cut: int) -> Asked | None:
    small = runs[runs.flops <= runs.flops.max() / cut]
    large = runs[runs.flops > runs.flops.max() / min(cut, 10 if cut <= 10 else 3)]
    if len(small) < (15 if cut <= 10 else 8) or small.n_params.nunique() < 3 or len(large) < (2 if cut <= 10 else 1):
        return None
    given = configurations(points(small.n_params, small.tokens, small.loss))
    logs, x, y, unit, _ = larger._logs(merged(given, larger.MOST))
    u, v = np.log(large.n_params.to_numpy(float)) - x, np.log(large.tokens.to_numpy(float)) - y
    kind = priors.recognised(given.points.loss)
    found = posterior(logs, u, v, priors.prior_for(kind))
    return Asked(name, cut, kind, found, answer.beyond(logs, u, v), np.log(large.loss.to_numpy(float)) - unit)


def best(rows: list[Asked], table: dict[tuple[int, Constants], tuple[float, float, float]], grid: list[Constants]) -> Constants:
    """The least mean log score of the constants that hold LEVEL of the runs, or the most; each family counts once."""
    names = [row.family for row in rows]
    share = np.array([1 / names.count(name) for name in names]) / len(set(names))
    held = {each: float(share @ [table[id(row), each][2] for row in rows]) for each in grid}
    enough = min(LEVEL, max(held.values()))
    logs = {each: float(share @ np.log([table[id(row), each][0] for row in rows])) for each in grid if held[each] >= enough}
    return min(logs, key=lambda each: logs[each])


def main() -> None:
    rows = [
        found for folder in sys.argv[1:] for name, runs in families(folder) for cut in CUTS if (found := asked(name, runs, cut)) is not None
    ]
    today = IN_USE["token_log_loss"]
    grid = list(product(MARGINS, LEASTS, GROWTHS))
    table = {(id(row), each): row.scores(each) for row in rows for each in {*grid, today}}
    print(f"{'family':45} {'cut':>4} {'runs':>5} {'error':>6}  score, width, inside: constants in use | of the other families | these")
    print(f"constants in use: {today}; best on all families: {best(rows, table, grid)}")
    summary = []
    for row in rows:
        chosen = best([each for each in rows if each.family != row.family], table, grid)
        now, then = table[id(row), today], table[id(row), chosen]
        numbers = "  |  ".join("{:6.2f} {:6.2f} {:4.2f}".format(*each) for each in (now, then))
        print(f"{row.family[:45]:45} {row.cut:4} {len(row.observed):5} {row.error:6.2f}  {numbers}  |  {chosen}")
        summary.append((row.cut, row.error, *now, *then))
    names = ("cut", "error", "score", "width", "inside", "left-out score", "left-out width", "left-out inside")
    print("\nmeans over families:")
    print(pd.DataFrame(summary, columns=names).groupby("cut").mean().round(3).to_string())


if __name__ == "__main__":
    main()
