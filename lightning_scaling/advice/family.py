"""Is the run leaving its family? Its loss against its siblings' at the same share of their budgets, looked at up to 40 times.

Loss curves of one family collapse onto one curve (Qiu et al. 2025, arXiv 2507.02119); a run that departs upwards is ill before it diverges
(Celerity, arXiv 2509.25087, reads it so after the fact). The reading is a pure function of its arguments: it replays all looks.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np

from lightning_scaling.advice.family_gate import NEAREST, Gate, comparable, warmed_up
from lightning_scaling.advice.family_residual import Residual, residual
from lightning_scaling.advice.family_scores import SETTLED, Alarm, Drift, alarm_at_last
from lightning_scaling.arrays import Floats
from lightning_scaling.numbers import count, share
from lightning_scaling.outcome import Outcome
from lightning_scaling.run.curve import Curve

EARLIEST, AFTER_WARMUP = 0.075, 0.05  # shares of the budget: of the first look, and from the end of the warm-up to it
FEWEST = 4  # looks
DRIFT, WORTH = 0.002, 2.0  # prior slope of r in ln x among siblings, and how many siblings it counts for
ALONE = 5.0  # times that with one sibling, which shows no drift of its own
MOST = 20.0  # units beyond which a departure has no digits worth printing
LEVEL = 0.015  # prior level spread of siblings about their line


class FamilyOutcome(Outcome):
    """What the comparison with the family found."""

    FOLLOWS = "the run follows its family"
    DEPARTS = "the run departs from its family upwards: something is wrong with it that was not with its siblings"
    BELOW = "the run lies below its family and further so than before"
    NOT_COMPARABLE = "no finished run of the family can be compared with this one"
    TOO_EARLY = "there are too few looks after warm-up to compare the run with its family"


@dataclass(frozen=True, eq=False)
class FamilyReading:
    """A run against its family.

    Args:
        outcome: whether it follows.
        because: one sentence: the departure, since when, against whom; what is missing where the gate is shut.
        departure: in family units (the run's noise and the drift among siblings) at the last look; NaN without a comparison.
        since: share of the budget at which a departure began, NaN where there is none.
        rule: "level", "jump" or "slope"; "" where there is no departure.
        against: parameters of the siblings compared with, None where unknown.
        x, r, expectation: (n,) shares of the budget at the looks, log loss above the expectation, and the loss expected there.
        among: (k, n) the same of k siblings, each against the others; NaN before its first look.
        missing: which sibling is missing; "" with three.
    """

    outcome: FamilyOutcome
    because: str
    departure: float = float("nan")
    since: float = float("nan")
    rule: str = ""
    against: tuple[int | None, ...] = ()
    x: Floats = field(default_factory=lambda: np.zeros(0))
    r: Floats = field(default_factory=lambda: np.zeros(0))
    expectation: Floats = field(default_factory=lambda: np.zeros(0))
    missing: str = ""
    among: Floats = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def departs(self) -> bool:
        """Whether the run is ill by this reading."""
        return self.outcome is FamilyOutcome.DEPARTS

    @property
    def drift(self) -> Floats:
        """(k, n) how the siblings drift: `among`, each about its own level."""
        known = self.among[np.isfinite(self.among).any(axis=1)]
        return known - np.nanmedian(known, axis=1, keepdims=True) if len(known) else known

    def __str__(self) -> str:
        return self.because

    def to_json(self) -> dict[str, Any]:
        """A plain dict; null for what is not known, arrays to six digits."""
        found = vars(self) | {"outcome": self.outcome.name, "against": list(self.against)}
        found |= {name: _short(getattr(self, name)) for name in ("x", "r", "expectation", "among")}
        return {name: None if value != value else value for name, value in found.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "FamilyReading":
        """What `to_json` wrote, older documents without `among` too.

        Raises:
            ValueError: another document.
        """
        try:
            found: dict[str, Any] = {name: _floats(data[name]) for name in ("x", "r", "expectation")}
            looks = len(found["x"])
            found |= {name: math.nan if data[name] is None else float(data[name]) for name in ("departure", "since")}
            found |= {name: str(data.get(name, "")) for name in ("because", "rule", "missing")}
            rows = [_floats(row) for row in data.get("among", ())]
            found["among"] = np.array(rows).reshape(len(rows), looks)
            if not len(found["r"]) == len(found["expectation"]) == looks:
                raise ValueError("not a family reading: arrays of different lengths")
            return cls(FamilyOutcome[data["outcome"]], against=tuple(data["against"]), **found)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a family reading: {error}") from None


def _short(values: Floats) -> list[Any]:
    """Six digits: a picture shows three."""
    if values.ndim > 1:
        return [_short(row) for row in values]
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values.tolist()]


def _floats(values: Sequence[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def read_family(curve: Curve, budget: float, siblings: Sequence[Curve]) -> FamilyReading | None:
    """The reading at the last point of `curve`; None where no sibling was given.

    Args:
        curve: what has been seen of the run.
        budget: its tokens at the end of the run as planned.
        siblings: finished curves of the same family; those that are not comparable or ill themselves are left out.

    >>> tokens = np.linspace(1e6, 2e8, 200)
    >>> runs = [Curve(tokens * k, 2 + 300 * k**-0.1 / tokens**0.5, params=10**6 * k) for k in (1, 2, 4)]
    >>> ill = runs[2].loss * np.where(tokens > 1e8, 1.02, 1.0)
    >>> print(read_family(Curve(tokens * 4, ill, params=4 * 10**6).take(slice(0, 120)), 8e8, runs[:2]))
    departs from its family: more than 20 times the usual scatter since 52 % of the budget (2 % above 2M and 1M parameters at equal share)
    """
    if not siblings or not len(curve):
        return None
    gate = comparable(curve, budget, siblings)
    kept, ill = _healthy(gate.kept)
    if not kept:
        return FamilyReading(FamilyOutcome.NOT_COMPARABLE, f"not compared with its family: {_missing(gate, ill)}", missing=gate.missing)
    seen = residual(curve, budget, kept, _first(curve, budget, kept))
    if len(seen) < FEWEST:
        text = f"{len(seen)} looks after warm-up: the family is compared from {FEWEST} on"
        return FamilyReading(FamilyOutcome.TOO_EARLY, text, missing=_missing(gate, ill), against=_sizes(kept))
    return _reading(seen, kept, _missing(gate, ill))


def _reading(seen: Residual, kept: tuple[Curve, ...], missing: str) -> FamilyReading:
    drift = drift_of(kept, seen.x)
    alarm, units = alarm_at_last(seen, drift)
    found: dict[str, Any] = dict(against=_sizes(kept), x=seen.x, r=seen.r, expectation=seen.expectation, missing=missing)
    found["among"] = _beside(kept, seen.x)
    off = float(np.median(seen.r[-SETTLED:]))
    if alarm is not None:
        since = float(seen.x[alarm.start])
        return FamilyReading(FamilyOutcome.DEPARTS, _words(alarm, off, units, since, kept), units, since, alarm.rule, **found)
    fallen, down = alarm_at_last(replace(seen, r=-seen.r), drift)
    if fallen is not None:
        since = float(seen.x[fallen.start])
        text = f"{share(-off)} below {_named(kept)} at equal share, falling away from them since {share(since)} of the budget"
        return FamilyReading(FamilyOutcome.BELOW, text, -down, since, fallen.rule, **found)
    where = f"{share(abs(off))} {'above' if off > 0 else 'below'} {_named(kept)} at equal share"
    return FamilyReading(FamilyOutcome.FOLLOWS, f"follows its family: {where}, within their scatter", units, **found)


def _words(alarm: Alarm, off: float, units: float, since: float, kept: tuple[Curve, ...]) -> str:
    begin = "from the start" if alarm.rule == "level" else f"since {share(since)} of the budget"
    risen, many = off - alarm.base, f"{units:.1f}" if units <= MOST else f"more than {MOST:.0f}"
    return f"departs from its family: {many} times the usual scatter {begin} ({share(risen)} above {_named(kept)} at equal share)"


def drift_of(kept: tuple[Curve, ...], x: Floats) -> Drift:
    """How far the siblings drift from each other, each compared with the rest, at the shares `x`."""
    sizes = len({s.params or index for index, s in enumerate(kept)})  # repetitions of one size show nothing of how sizes drift apart
    if sizes < 2:
        return Drift(np.full(len(x), ALONE * DRIFT), float("inf"))
    found = _among(kept)
    squares = [_squares(each, x) for each in found]
    slope = np.sqrt((WORTH * DRIFT**2 + sum(squares)) / (WORTH + len(squares)))
    levels = [float(np.mean(each.r**2)) for each in found]
    level = float(np.sqrt((LEVEL**2 + sum(levels)) / (1 + len(levels)))) if sizes >= NEAREST else float("inf")
    return Drift(np.asarray(slope), level)


@lru_cache(maxsize=8)
def _among(kept: tuple[Curve, ...]) -> tuple[Residual, ...]:
    """Each sibling compared with the rest; they are finished, so this is worked out once."""
    return tuple(each for s in kept if len(each := _loo(s, kept)) >= FEWEST)


def _beside(kept: tuple[Curve, ...], x: Floats) -> Floats:
    """(k, n) r of each sibling against the rest, at the shares `x`."""
    found = _among(kept) if len(kept) > 1 else ()
    return np.array([np.interp(x, each.x, each.r, left=np.nan) for each in found]).reshape(len(found), len(x))


def _loo(sibling: Curve, kept: tuple[Curve, ...]) -> Residual:
    rest = tuple(s for s in kept if s is not sibling)
    budget = float(sibling.tokens[-1])
    return residual(sibling, budget, rest, _first(sibling, budget, rest))


def _squares(seen: Residual, x: Floats) -> Floats:
    """Mean square slope of r in ln x from half of each share of `x` on, over quarters of the looks, where noise counts for little."""
    step = max(len(seen) // 4, 2)
    square = ((seen.r[step:] - seen.r[:-step]) / np.log(seen.x[step:] / seen.x[:-step])) ** 2
    first = np.minimum(np.searchsorted(seen.x[:-step], x / 2), max(len(square) - step, 0))
    later = np.cumsum(square[::-1])[::-1] / np.arange(len(square), 0, -1)
    return np.asarray(later[first])


@lru_cache(maxsize=8)
def _healthy(kept: tuple[Curve, ...]) -> tuple[tuple[Curve, ...], int]:
    """The siblings without those that depart from the others, the worst first; and how many those are."""
    left = list(kept)
    while len(left) >= NEAREST:
        worst = max(((_alone(_loo(s, tuple(left))), s) for s in left), key=lambda found: found[0][1])
        if worst[0][0] is None:
            break
        left = [s for s in left if s is not worst[1]]
    return tuple(left), len(kept) - len(left)


def _alone(seen: Residual) -> tuple[Alarm | None, float]:
    """The alarm at the end of a sibling, with the drift of one that is compared alone."""
    return alarm_at_last(seen, Drift(np.full(len(seen), ALONE * DRIFT), float("inf")))


def _first(curve: Curve, budget: float, kept: tuple[Curve, ...]) -> float:
    """The share of the first look: past both warm-ups, and where every sibling has a loss."""
    warm = max([warmed_up(curve, budget), *(warmed_up(s, float(s.tokens[-1])) for s in kept)])
    logged = max(float(s.tokens[0] / s.tokens[-1]) for s in kept)
    return max(EARLIEST, warm + AFTER_WARMUP if warm else 0.0, logged)


def _missing(gate: Gate, ill: int) -> str:
    left_out = f"{ill} of the siblings left out, having departed from the others themselves" if ill else ""
    return "; ".join(text for text in (gate.missing, left_out) if text)


def _sizes(kept: tuple[Curve, ...]) -> tuple[int | None, ...]:
    return tuple(s.params for s in kept)


def _named(kept: tuple[Curve, ...]) -> str:
    """The siblings by their sizes."""
    sizes = [count(s.params) for s in kept if s.params]
    if not sizes:
        return f"{len(kept)} siblings"
    return f"{', '.join(sizes[:-1])}{' and ' if len(sizes) > 1 else ''}{sizes[-1]} parameters"
