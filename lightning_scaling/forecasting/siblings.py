"""What is transferred from finished runs of the same family to a run that is being trained.

Each is cut at the same share of its length. Its whole curve, the clock at 1 at the cut, gives an annealing estimate (`prior.py`): how
much annealing takes off and how fast. With its own estimate it is then forecast from the cut, and what is missed even so no law here
describes; most of that is transferred. Runs whose schedule has the same shape count most, then those of nearest size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.forecasting.curve_points import gather
from lightning_scaling.forecasting.law_forecast import LawForecast, predict
from lightning_scaling.forecasting.observed import Observed, observe
from lightning_scaling.forecasting.prior import AnnealingEstimate, FamilyPrior, Prior, estimate_annealing
from lightning_scaling.forecasting.rate_profile import in_usual_steps, read_profile
from lightning_scaling.forecasting.screen import ENOUGH, usable
from lightning_scaling.run.curve import Curve

NEAREST = 4  # mean log error of two, three, four: -1.785, -1.787, -1.793 over the middle half of the published runs
SHAPE, SIZE, EPOCHS = 10.0, 1.0, 0.5  # weight of the mean distance of the schedules (in peaks), of log size and of log epochs
UNLIKE = 0.33  # deviation of the log drop estimated on a sibling of likeness 1/e
TRANSFERRED = 0.85  # of the replayed error; .7 and 1 were worse by .06 in log score plus log error
STEADY = 0.75  # of that where no fall of the rate remains, or none is known: sizes of a family miss alike there too
FAR = 0.36  # e-folds of effective time from now: nearer places are missed by noise more than by the law
ALIKE = 1e-3  # a likeness below this transfers nothing: such a run is no sibling
DOUBT = 0.05  # weight of "no error" beside the siblings' own: a sibling with another schedule counts for little
CALMER = 0.6  # of the deviation is left where siblings have shown a drop, but all of it on steep curves: 90 % held .45 there
SPREAD, SHIFTED = 1.5, 0.2  # share of the siblings' disagreement (standard deviation), and of the shift itself, that enters the deviation
PLACES = np.linspace(0.05, 1.0, 40)  # of a schedule, where two are compared


@dataclass(frozen=True, eq=False)
class Replay:
    """A finished run looked at from the same share of its length.

    Args:
        estimate: of its annealing; None where its rate never fell.
        error: log loss by which a forecast with that estimate ended too high.
        likeness: 1 for a run like the one in question, towards 0 for one unlike it.
    """

    estimate: AnnealingEstimate | None
    error: float
    likeness: float


def replays(curve: Curve, at: float, siblings: Sequence[Curve], prior: Prior) -> list[Replay]:
    """The siblings most like `curve`, each replayed at the share of `at` that the curve has reached."""
    share = curve.tokens[-1] / at
    return [found for s in nearest(curve, at, siblings) if (found := replay(s, share, likeness(curve, s, at), prior)) is not None]


def pool(found: Sequence[Replay]) -> FamilyPrior | None:
    """The prior of the siblings together, None where the rate of none that is alike fell."""
    estimates = [each.estimate for each in found if each.estimate is not None and each.likeness > ALIKE]
    return FamilyPrior(estimates) if estimates else None


def corrected(own: LawForecast, found: Sequence[Replay], scheduled: bool, prior: Prior) -> LawForecast:
    """The forecast moved by what forecasts of its siblings missed."""
    weight, missed = np.array([(each.likeness, each.error) for each in found]).reshape(-1, 2).T
    if weight.sum() < ALIKE:
        return own
    error = float(weight @ missed) / (weight.sum() + DOUBT)
    apart = float(np.sqrt(weight @ (missed - weight @ missed / weight.sum()) ** 2 / weight.sum()))
    decaying = _share(own, scheduled)
    extra = decaying * np.hypot(SPREAD * apart, SHIFTED * error)
    calmer = (1 - CALMER) * decaying * (1 - prior.steepness(own.posterior.slope))
    return own.with_mixture(own.mixture.moved(-TRANSFERRED * decaying * error, 1 - calmer, extra))


def _share(own: LawForecast, scheduled: bool) -> Floats:
    """(m,) of what the siblings show of the last place, the share that belongs to each: none right now, most of it at the end."""
    gone = np.log(np.maximum(own.observed.s_at, 1.0))
    if not scheduled:
        return np.asarray(STEADY * gone / max(float(gone.max()), 1e-12))
    annealed = own.remaining / max(float(own.remaining.max()), 1e-12)
    return np.asarray(own.decaying * annealed + (1 - own.decaying) * STEADY * gone / (gone + FAR))


def replay(sibling: Curve, share: float, likeness: float, prior: Prior) -> Replay | None:
    """A finished run seen from its first `share`; None where that leaves too little."""
    sibling = in_usual_steps(sibling, float(sibling.tokens[-1]))
    profile = None if sibling.schedule is None else read_profile(sibling.schedule)
    finite, gathered = gather(sibling)
    used, profile = usable(finite, profile)
    if len(used) < 2 * ENOUGH:
        return None
    end = used.tokens[-1:]
    now = share * float(end[0])
    early = used.until(now)
    if len(early) < ENOUGH:
        return None
    estimate = estimate_annealing(observe(used, end, profile, gathered, now), prior, -(UNLIKE**2) * float(np.log(max(likeness, 1e-30))))
    error = _missed(observe(early, end, profile, gathered), estimate, float(np.median(used.loss[-3:])), prior)
    return None if error is None else Replay(estimate, error, likeness)


def _missed(observed: Observed, estimate: AnnealingEstimate | None, last: float, prior: Prior) -> float | None:
    """Log loss by which a forecast from what was seen, with the run's own estimate, ends above its last loss."""
    if observed.units.log and last <= 0:
        return None
    own = None if estimate is None else FamilyPrior([replace(estimate, unlike=0.0)])
    mixture = predict(observed, prior, own).mixture
    return float((mixture.weight @ mixture.mean)[0] + observed.offset_at[0] - observed.units.fitted(np.array([last]))[0])


def nearest(curve: Curve, at: float, siblings: Sequence[Curve]) -> list[Curve]:
    """The siblings most like the run, most alike first."""
    return sorted((s for s in siblings if len(s)), key=lambda s: -likeness(curve, s, at))[:NEAREST]


def likeness(curve: Curve, sibling: Curve, at: float) -> float:
    """1 for a run of the same size under the same schedule, towards 0 for one unlike it."""
    size = abs(np.log(curve.params / sibling.params)) if curve.params and sibling.params else 0.0
    epochs = abs(np.log(passes(curve, at) / passes(sibling, float(sibling.tokens[-1]))))
    return float(np.exp(-SHAPE * _unlike_schedules(curve, sibling) - SIZE * size - EPOCHS * epochs))


def passes(curve: Curve, at: float) -> float:
    """Passes over the data by `at` tokens; 1 for data that does not repeat, or is not known to."""
    return 1.0 if curve.unique_tokens is None else max(at / curve.unique_tokens, 1.0)


def _unlike_schedules(curve: Curve, sibling: Curve) -> float:
    if (curve.schedule is None) != (sibling.schedule is None):
        return 1.0
    if curve.schedule is None or sibling.schedule is None:
        return 0.0
    return float(np.abs(_shape(curve) - _shape(sibling)).mean())


def _shape(curve: Curve) -> Floats:
    assert curve.schedule is not None
    rates = np.interp(PLACES * curve.schedule.end, curve.schedule.step, curve.schedule.lr)
    return np.asarray(rates / curve.schedule.peak)
