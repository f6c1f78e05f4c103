"""Would these runs have predicted their own largest ones? Backtests: hold out the largest, each size in turn, or the later runs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.configurations import configurations
from lightning_scaling.laws.extrapolation.larger import Larger, predict_larger
from lightning_scaling.laws.finished_runs import FinishedRuns
from lightning_scaling.laws.points import LawPoints, points, positive
from lightning_scaling.laws.surface.fit import fit_surface

FEWEST = 6
# Cuts of a rolling origin.
ORIGINS = 4
# Runs of at most this share of the largest run's compute take part in its prediction.
SMALLER = 0.67
FEWEST_SMALLER = 4


@dataclass(frozen=True, eq=False)
class Backtest:
    """The held-out runs beside what was predicted for them.

    Args:
        params, tokens, loss: (m,) the held-out configurations: of repeated runs of one (N, D) the mean (seeds) or the best (a sweep).
        runs: how many held-out runs they are.
        predicted: what predict_larger predicts from the `fitted_on` other ones.
        surface_loss, least_squares_loss: (m,) what the plain surface predicts, fitted by Huber's loss and by log least squares.
        because: one sentence with the numbers.
        held_out: what was held out, in a few words.
    """

    params: Floats
    tokens: Floats
    loss: Floats
    predicted: Larger
    surface_loss: Floats
    fitted_on: int
    because: str
    least_squares_loss: Floats | None = None
    held_out: str = ""
    runs: int = 0

    @property
    def errors(self) -> Floats:
        """(m,) predicted over observed loss − 1."""
        return np.asarray(self.predicted.loss / self.loss - 1)

    @property
    def inside(self) -> float:
        """Share of the held-out runs inside the interval."""
        return float(np.mean((self.predicted.low <= self.loss) & (self.loss <= self.predicted.high)))

    @property
    def better_simple_fit(self) -> tuple[str, float]:
        """The better of the two plain fits and its mean absolute error."""
        named = {"surface, Huber": self.surface_loss, "surface, least squares": self.least_squares_loss}
        errors = {name: float(np.abs(loss / self.loss - 1).mean()) for name, loss in named.items() if loss is not None}
        known = {name: error for name, error in errors.items() if np.isfinite(error)}
        best = min(known, key=lambda name: known[name], default="")
        return (best, known[best]) if best else ("no plain fit", float("nan"))


@dataclass(frozen=True)
class BacktestTable:
    """Several backtests of one kind; `print` shows a short table."""

    rows: tuple[Backtest, ...]

    @property
    def error(self) -> float:
        """Mean absolute error over all held-out runs."""
        return float(np.mean(np.concatenate([np.abs(row.errors) for row in self.rows])))

    @property
    def inside(self) -> float:
        """Share of all held-out runs inside their intervals."""
        return float(np.average([row.inside for row in self.rows], weights=[len(row.loss) for row in self.rows]))

    def __str__(self) -> str:
        lines = [f"{'held out':28} {'fitted on':>9} {'runs':>5} {'error':>8} {'inside':>7}  better plain fit"]
        for row in self.rows:
            name, error = row.better_simple_fit
            ours = f"{100 * np.abs(row.errors).mean():.2f} %"
            lines.append(
                f"{row.held_out:28} {row.fitted_on:9} {len(row.loss):5} {ours:>8} {100 * row.inside:5.0f} %  {name} {100 * error:.2f} %"
            )
        return "\n".join(lines)


def backtest(
    params: ArrayLike,
    tokens: ArrayLike,
    loss: ArrayLike,
    factor: float = 10.0,
    level: float = 0.9,
    groups: ArrayLike | None = None,
    *,
    flops: ArrayLike | None = None,
) -> Backtest:
    """Hold out every run of more than 1/factor of the largest compute; `flops`: 6·N·D by default.

    ValueError where too few smaller ones remain.
    """
    given = points(params, tokens, loss, groups)
    if not factor > 1:
        raise ValueError(f"factor is the largest compute over the largest fitted on, more than 1; got {factor}")
    compute = _compute(given, flops)
    small = compute <= compute.max() / factor
    if small.sum() < FEWEST:
        raise ValueError(
            f"only {small.sum()} runs lie below a {factor:g}th of the largest compute; six are needed: choose a smaller factor"
        )
    return _held_out(given, ~small, level, f"compute above 1/{factor:g}", float(compute.max() / compute[small].max()))


def leave_one_size_out(
    params: ArrayLike, tokens: ArrayLike, loss: ArrayLike, level: float = 0.9, groups: ArrayLike | None = None
) -> BacktestTable:
    """Hold out each model size in turn and predict it from the others. ValueError for fewer than three sizes or seven runs."""
    given = points(params, tokens, loss, groups)
    sizes = np.unique(given.params)
    if len(sizes) < 3 or len(given) <= FEWEST:
        raise ValueError(f"leaving one size out needs three sizes and more than {FEWEST} runs, got {len(sizes)} and {len(given)}")
    masks = [(size, given.params == size) for size in sizes]
    rows = [_held_out(given, mask, level, f"{size:.3g} parameters") for size, mask in masks if (~mask).sum() >= FEWEST]
    return BacktestTable(tuple(rows))


def rolling_origin(
    params: ArrayLike,
    tokens: ArrayLike,
    loss: ArrayLike,
    level: float = 0.9,
    groups: ArrayLike | None = None,
    *,
    flops: ArrayLike | None = None,
) -> BacktestTable:
    """Sort the runs by compute and, at several cuts, predict those up to the next cut from all before. ValueError for too few runs."""
    given = points(params, tokens, loss, groups)
    compute = _compute(given, flops)
    rows = [_held_out(given, held, level, f"{lo:.3g} to {hi:.3g} FLOPs", 0.0, seen) for seen, held, lo, hi in _origins(compute)]
    if not rows:
        raise ValueError(f"a rolling origin needs more than {FEWEST} runs of different compute, got {len(given)} runs")
    return BacktestTable(tuple(rows))


def _origins(compute: Floats) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_], float, float]]:
    """(seen, held out, lowest and highest compute held out) at each cut."""
    cuts = np.unique(np.quantile(compute, np.linspace(0.5, 1.0, ORIGINS + 1)))
    for low, high in pairwise(cuts.tolist()):
        seen, held = compute <= low, (compute > low) & (compute <= high)
        if seen.sum() >= FEWEST and held.any():
            yield seen, held, float(compute[held].min()), float(compute[held].max())


def _compute(given: LawPoints, flops: ArrayLike | None) -> Floats:
    if flops is None:
        return given.flops
    compute = positive("flops", flops)
    if len(compute) != len(given):
        raise ValueError(f"flops must be one a run: {len(compute)} for {len(given)} runs")
    return compute


def _held_out(
    given: LawPoints, held: NDArray[np.bool_], level: float, what: str, factor: float = 0.0, seen: NDArray[np.bool_] | None = None
) -> Backtest:
    read_as: Any = configurations(given).read_as
    some, rest = given.take(~held if seen is None else seen), configurations(given.take(held), read_as).points
    predicted = predict_larger(some.params, some.tokens, some.loss, rest.params, rest.tokens, level, groups=some.groups, replicates=read_as)
    huber, squares = (
        np.asarray(fit_surface(some.params, some.tokens, some.loss, objective=objective).predict(rest.params, rest.tokens))
        for objective in ("huber", "log_least_squares")
    )
    result = Backtest(rest.params, rest.tokens, rest.loss, predicted, huber, len(some), "", squares, what, int(held.sum()))
    return replace(result, because=_sentence(result, level, factor or float(np.max(predicted.factor))))


def _sentence(test: Backtest, level: float, factor: float) -> str:
    one = test.runs == 1
    reach = f"{factor:.3g} times the compute"
    larger = f"the larger one ({reach})" if one else f"the {test.runs} larger ones (up to {reach})"
    merged = f", {len(test.loss)} configurations," if len(test.loss) < test.runs else ""
    start = f"fitted on {test.fitted_on} smaller runs, {larger}{merged}"
    if not np.isfinite(test.errors).all():
        return f"{start} cannot be predicted: {test.predicted.outcome} ({test.predicted.because})"
    off, (name, plain) = 100 * np.abs(test.errors).mean(), test.better_simple_fit
    beside = f"({100 * plain:.2f} % by the better plain fit, {name})"
    level_text = f"the {100 * level:.0f} % interval"
    if one:
        return f"{start} is predicted within {off:.2f} % {beside}, {'inside' if test.inside else 'outside'} {level_text}"
    return f"{start} are predicted within {off:.2f} % on average {beside}, {100 * test.inside:.0f} % of them inside {level_text}"


@dataclass(frozen=True)
class HeldOut:
    """The prediction of one run that took no part in it, and the loss that was observed (NaN while it is not known).

    `beyond`: its compute over the largest compute the prediction was made from.
    """

    params: float
    tokens: float
    flops: float
    loss: float
    low: float
    high: float
    observed: float = float("nan")
    level: float = 0.9
    beyond: float = float("nan")
    outcome: str = ""

    @property
    def error(self) -> float:
        """The prediction against the observed loss, as a share."""
        return self.loss / self.observed - 1

    @property
    def inside(self) -> bool:
        """Whether the observed loss lies within the interval."""
        return self.low <= self.observed <= self.high


def hold_out_largest(runs: FinishedRuns, level: float = 0.9) -> HeldOut | None:
    """The run of most compute, predicted from the runs of at most two thirds of it; None where fewer than four are that small."""
    if not runs.observed.any():
        return None
    last = int(np.argmax(np.where(runs.observed, runs.flops, -np.inf)))
    smaller = runs.take(runs.flops < SMALLER * runs.flops[last])
    if len(smaller) < FEWEST_SMALLER:
        return None
    size, tokens, flops = float(runs.params[last]), float(runs.tokens[last]), float(runs.flops[last])
    made = predict_larger(smaller.params, smaller.tokens, smaller.loss, size, tokens, level=level, groups=smaller.groups)
    beyond = flops / float(smaller.flops.max())
    bounds = (float(made.loss), float(made.low), float(made.high))
    return HeldOut(size, tokens, flops, *bounds, float(runs.loss[last]), level, beyond, str(made.outcome))
