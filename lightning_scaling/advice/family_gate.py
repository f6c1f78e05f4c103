"""Which finished runs a run can be compared with: the same schedule so far, as many tokens per parameter, and not ill themselves.

Loss curves collapse onto one curve only where rate over share of the budget and tokens per parameter agree (Qiu et al. 2025, arXiv
2507.02119). A sibling of half the ratio makes every run look ill late in its budget; a longer one does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.siblings import passes
from lightning_scaling.numbers import count, share
from lightning_scaling.run.curve import Curve

NEAREST = 3
SHORTEST, LONGEST = 0.7, 5.0  # tokens per parameter of a sibling, in those of the run
MEAN_OFF, MOST_OFF = 0.05, 0.1  # of the peak: distance of two schedules over the shares seen so far
WARMUP_OFF = 0.03  # of the budget: difference of two warm-ups, whose traces last
PLACES = 64
EPOCHS = 1.25  # times more passes over the data, one way or the other
FEWEST = 12  # losses of a sibling


@dataclass(frozen=True, eq=False)
class Gate:
    """Args:
    kept: the nearest comparable siblings, smaller ones first, at most three.
    missing: why there are fewer, as a sentence that names the run that is wanted; "" where there are three.
    """

    kept: tuple[Curve, ...]
    missing: str


def comparable(curve: Curve, budget: float, siblings: Sequence[Curve]) -> Gate:
    """The siblings that pass, and what is missing."""
    reasons = [(s, _unlike(curve, budget, s)) for s in siblings if s is not curve]
    passed = sorted((s for s, why in reasons if why is None), key=lambda s: _distance(curve, budget, s))
    sizes: dict[int | None, Curve] = {}
    for each in passed:
        sizes.setdefault(each.params, each)
    spread = [*sizes.values(), *(s for s in passed if all(s is not each for each in sizes.values()))]
    kept = tuple(spread[:NEAREST])
    return Gate(kept, "" if len(kept) == NEAREST else _missing(curve, budget, len(kept), [why for _, why in reasons if why]))


def _missing(curve: Curve, budget: float, found: int, reasons: list[str]) -> str:
    size = "" if curve.params is None else f" at {count(SHORTEST * budget / curve.params)} or more tokens per parameter"
    wanted = f"a finished{' smaller' if curve.params else ''} run under the same schedule{size}"
    named = f" (of those given: {'; '.join(sorted(set(reasons)))})" if reasons else ""
    return f"{found} of {NEAREST} comparable siblings: {wanted} is missing{named}"


def _unlike(curve: Curve, budget: float, sibling: Curve) -> str | None:
    """Why a sibling cannot be compared, None where it can."""
    positive = np.isfinite(sibling.loss) & (sibling.loss > 0)
    if positive.sum() < FEWEST:
        return f"one has fewer than {FEWEST} losses above zero"
    ratio = _ratio(curve, budget, sibling)
    if not SHORTEST <= ratio <= LONGEST:
        return f"one has {ratio:.2g} times the tokens per parameter"
    more = passes(sibling, float(sibling.tokens[-1])) / passes(curve, budget)
    if not 1 / EPOCHS <= more <= EPOCHS:
        return f"one makes {more:.2g} times as many passes over its data"
    if (curve.schedule is None) != (sibling.schedule is None):
        return "one schedule is known and the other not"
    if not same_schedule(curve, budget, sibling):
        return f"one has another schedule over the first {share(curve.tokens[-1] / budget)} of its budget"
    return None


def _ratio(curve: Curve, budget: float, sibling: Curve) -> float:
    """Tokens per parameter of the sibling, in those of the run; of tokens alone where a size is not known."""
    sizes = sibling.params / curve.params if curve.params and sibling.params else 1.0
    return float(sibling.tokens[-1]) / budget / sizes


def same_schedule(curve: Curve, budget: float, sibling: Curve) -> bool:
    """Whether both rates agree at equal shares of the budgets, from the end of both warm-ups to now."""
    if curve.schedule is None or sibling.schedule is None:
        return True
    now = min(float(curve.tokens[-1]) / budget, 1.0)
    warm = warmed_up(curve, budget), warmed_up(sibling, float(sibling.tokens[-1]))
    start = max(warm)
    if start >= now or abs(warm[0] - warm[1]) > WARMUP_OFF:
        return start >= now
    places = np.linspace(start, now, PLACES)
    off = np.abs(_rates(curve, budget, places) - _rates(sibling, float(sibling.tokens[-1]), places))
    return bool(off.mean() <= MEAN_OFF and off.max() <= MOST_OFF)


def warmed_up(curve: Curve, budget: float) -> float:
    """Share of the budget at which the rate first reaches its peak; 0 where no schedule is known."""
    if curve.schedule is None or curve.step is None:
        return 0.0
    return curve.schedule.peak_step / _steps(curve, budget)


def _rates(curve: Curve, budget: float, places: Floats) -> Floats:
    """Rate at shares of the budget, in units of the peak."""
    assert curve.schedule is not None
    return np.asarray(curve.schedule.at(places * _steps(curve, budget)) / curve.schedule.peak)


def _steps(curve: Curve, budget: float) -> float:
    """Steps of the whole budget, at the tokens a step so far."""
    assert curve.step is not None
    return float(curve.step[-1]) * budget / float(curve.tokens[-1])


def _distance(curve: Curve, budget: float, sibling: Curve) -> tuple[bool, float, float]:
    """Smaller ones first, then the nearest size, then the nearest tokens per parameter."""
    sizes = np.log(sibling.params / curve.params) if curve.params and sibling.params else 0.0
    return bool(sizes > 0), round(abs(float(sizes)), 3), abs(float(np.log(_ratio(curve, budget, sibling))))
