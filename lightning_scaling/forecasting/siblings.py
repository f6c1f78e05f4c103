"""What finished runs of the same family teach: each is cut at the same share of its length and forecast; what was missed is carried over.

What annealing truly took off a sibling is its forecast drop plus the forecast's error. That drop is carried in units of the slope at the
cut, not as it is: under one plan, drop over slope is nearly the same at every size (Luo et al. 2025's curves, half way: WSD .66, .67, .75
and cosine .77, .74, .78 at 25M, 100M and 400M, while the drops grow by half). Runs whose plan has the same shape count most, then those of
nearest size. Where the rate has nothing left to fall nothing is carried: there the replays' errors are noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.curve import Curve
from lightning_scaling.forecasting.clock import read_plan
from lightning_scaling.forecasting.points import gather
from lightning_scaling.forecasting.posterior import Prior
from lightning_scaling.forecasting.predictive import Predictive, predict
from lightning_scaling.forecasting.screen import ENOUGH, after_warmup
from lightning_scaling.forecasting.seen import see

Floats = NDArray[np.float64]

NEAREST = 2  # mean log error over sources with siblings .50; .53 with one, .56 with three, .58 with four
SHAPE, SIZE, EPOCHS = 10.0, 1.0, 0.5  # weight of the mean distance of the plans (in peaks), of log size and of log epochs
CARRIED = 0.75  # of the replayed error where the rate has still to fall; .7 to 1.0 were close
BLIND = 0.75  # the same where no plan is known: sizes of a family mostly share one
SCALED, CLIPPED = 0.85, 1.5  # power of the ratio of slopes, and the most it may be: slopes in the midst of a decay are uncertain
DOUBT = 0.05  # weight of "no error" beside the siblings' own: a sibling with another plan counts for little
CALMER = 0.5  # of the deviation is left where siblings have spoken of a drop, but all of it on steep curves: 90 % held .45 there
SPREAD, SHIFTED = 0.5, 0.2  # share of the siblings' disagreement, and of the shift itself, that enters the deviation
PLACES = np.linspace(0.05, 1.0, 40)  # of a plan, where two plans are compared


@dataclass(frozen=True)
class Replay:
    """A finished run forecast from the same share of its length: error, drop expected, slope at the cut, likeness of the run."""

    error: float
    drop: float
    slope: float
    likeness: float

    def missed(self, own: Predictive) -> float:
        """By how much `own` would end too high or low if its drop were this run's, in units of the slopes."""
        ratio = np.clip(own.posterior.slope / max(self.slope, 1e-9), 1 / CLIPPED, CLIPPED) ** SCALED
        return float(ratio * (self.error + self.drop) - own.posterior.drop[-1])


def learn(own: Predictive, curve: Curve, at: float, siblings: Sequence[Curve], prior: Prior) -> Predictive:
    """The forecast of `curve` moved by what the nearest siblings' replays missed, or as it was where none can be replayed."""
    replays = [r for s in nearest(curve, at, siblings) if (r := replay(s, curve.tokens[-1] / at, likeness(curve, s, at), prior))]
    total = sum(r.likeness for r in replays)
    if not replays or total < 1e-3:
        return own
    missed = [r.missed(own) for r in replays]
    error = sum(r.likeness * m for r, m in zip(replays, missed, strict=True)) / (total + DOUBT)
    falling = _share(own, curve.schedule is not None)
    extra = falling * np.hypot(SPREAD * (max(missed) - min(missed)), SHIFTED * error)
    calmer = (1 - CALMER) * falling * (1 - prior.steepness(own.posterior.slope))
    mixture = own.mixture.moved(-CARRIED * falling * error, 1 - calmer, extra)
    return own.with_mixture(mixture)


def _share(own: Predictive, planned: bool) -> Floats:
    """(m,) of what the siblings taught about the last place, the share that belongs to each: none right now, all of it at the end."""
    if planned:
        return np.asarray(own.falling * own.ahead / max(float(own.ahead.max()), 1e-12))
    gone = np.log(np.maximum(own.seen.s_at, 1.0))
    return np.asarray(BLIND * gone / max(float(gone.max()), 1e-12))


def replay(sibling: Curve, share: float, likeness: float, prior: Prior) -> Replay | None:
    """Forecast a finished run's end from its first `share`; None where that leaves too little."""
    plan = None if sibling.schedule is None else read_plan(sibling.schedule)
    finite, gathered = gather(sibling)
    used = after_warmup(finite, plan)
    if len(used) < 2 * ENOUGH:
        return None
    end = used.tokens[-1:]
    early = used.until(share * float(end[0]))
    if len(early) < ENOUGH:
        return None
    seen = see(early, end, plan, gathered)
    found = predict(seen, prior)
    centre = (found.mixture.weight @ found.mixture.mean)[0] + seen.offset_at[0]
    last = float(np.median(used.loss[-3:]))
    if seen.units.log and last <= 0:
        return None
    error = float(centre - seen.units.fitted(np.array([last]))[0])
    return Replay(error, float(found.posterior.drop[0]), found.posterior.slope, likeness)


def nearest(curve: Curve, at: float, siblings: Sequence[Curve]) -> list[Curve]:
    """The siblings most like the run, most alike first."""
    return sorted((s for s in siblings if len(s)), key=lambda s: -likeness(curve, s, at))[:NEAREST]


def likeness(curve: Curve, sibling: Curve, at: float) -> float:
    """1 for a run of the same size under the same plan, towards 0 for one unlike it."""
    size = abs(np.log(curve.params / sibling.params)) if curve.params and sibling.params else 0.0
    epochs = abs(np.log(_epochs(curve, at) / _epochs(sibling, float(sibling.tokens[-1]))))
    return float(np.exp(-SHAPE * _unlike_plans(curve, sibling) - SIZE * size - EPOCHS * epochs))


def _epochs(curve: Curve, at: float) -> float:
    return 1.0 if curve.unique_tokens is None else max(at / curve.unique_tokens, 1.0)


def _unlike_plans(curve: Curve, sibling: Curve) -> float:
    if (curve.schedule is None) != (sibling.schedule is None):
        return 1.0
    if curve.schedule is None or sibling.schedule is None:
        return 0.0
    return float(np.abs(_shape(curve) - _shape(sibling)).mean())


def _shape(curve: Curve) -> Floats:
    assert curve.schedule is not None
    rates = np.interp(PLACES * curve.schedule.end, curve.schedule.step, curve.schedule.lr)
    return np.asarray(rates / curve.schedule.peak)
