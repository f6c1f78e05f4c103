"""Which runs need a look, each with the reason: it broke off, diverged, ended above the law of the others or outside its forecast."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.arrays import robust_spread
from lightning_scaling.laws.runs_fit import RunsFit
from lightning_scaling.report.rows import RunRow
from lightning_scaling.run.finished import ill
from lightning_scaling.run.record import RunState

ABOVE = 3.0  # robust standard deviations above the law
LEAST_OFF = 0.01  # of the loss: less is not worth a look, however sure
FEWEST_ERRORS = 4  # of forecasts: fewer have no usual error


class Ill(NamedTuple):
    """A run and what is wrong with it; the larger `weight`, the earlier it should be looked at."""

    run: RunRow
    reason: str
    weight: float


def ill_runs(runs: Sequence[RunRow], fit: RunsFit | None = None) -> list[Ill]:
    """Every run that needs a look, the worst first."""
    above, usual = _above_the_law(runs, fit), _usual_error(runs)
    found = [_ill(run, above.get(id(run), 0.0), usual) for run in runs]
    return sorted((each for each in found if each is not None), key=lambda each: -each.weight)


def _ill(run: RunRow, above: float, usual: float) -> Ill | None:
    record = run.record
    if len(record.curve) and not np.isfinite(record.curve.loss[-1]):
        return Ill(run, f"the loss is not a number at {numbers.count(run.tokens)} tokens, where it ends", 4.0)
    if ill(record):
        return Ill(run, f"{run.because} (verdict: {run.verdict})", 3.5)
    if above:
        return Ill(run, f"ended {numbers.percent(above).lstrip('+')} above the law of these runs", 2.0 + min(above, 0.9))
    if record.state is RunState.INTERRUPTED and not run.fitted:
        return Ill(run, f"interrupted{_seen(run)}: resume it, or leave it out", 3.0)
    if run.inside is False and run.error is not None and abs(run.error) > max(usual, LEAST_OFF):
        missed = f"ended outside the forecast made at half, which was off by {numbers.percent(run.error)}"
        return Ill(run, missed, 1.0 + min(abs(run.error), 0.9))
    return None


def _usual_error(runs: Sequence[RunRow]) -> float:
    """1.5 times the error that three in four forecasts keep: all off alike, they are no news of one run. 0 where they are few."""
    errors = [abs(run.error) for run in runs if run.error is not None]
    return 1.5 * float(np.quantile(errors, 0.75)) if len(errors) >= FEWEST_ERRORS else 0.0


def _seen(run: RunRow) -> str:
    budget = run.record.planned_tokens
    return f" at {100 * run.tokens / budget:.0f} % of its token budget" if budget else ""


def _above_the_law(runs: Sequence[RunRow], fit: RunsFit | None) -> dict[int, float]:
    """Relative distance above L(N, D) by id, of the runs that lie further above it than the scatter of the others explains."""
    ended = [run for run in runs if run.fitted]
    if fit is None or not fit.usable or len(ended) < 4:
        return {}
    expected = fit.predict(np.array([float(run.params or 0) for run in ended]), np.array([run.tokens for run in ended]))
    off = np.array([run.loss for run in ended]) / expected - 1
    limit = max(float(np.median(off)) + ABOVE * robust_spread(off), LEAST_OFF)
    return {id(run): float(each) for run, each in zip(ended, off, strict=True) if each > limit}
