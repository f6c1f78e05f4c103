"""The power law of one run as report and page write it: L(C) over the run's own curve, what it is, and what it is not."""

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats
from lightning_scaling.laws.frontier.power import PowerLaw, fit_power_law
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.finished import is_finished
from lightning_scaling.run.record import RunRecord
from lightning_scaling.units import pf_days

NOT_A_FORECAST = (
    "It describes what was seen: while the learning rate has still to fall it ends 3 to 5 % too high. "
    "The forecast knows the schedule and is the one to act on."
)
_fitted: WeakKeyDictionary[RunRecord, PowerLaw | None] = WeakKeyDictionary()


def power_law_of(record: RunRecord) -> PowerLaw | None:
    """L(C) of the run's curve, fitted once a record; None where its FLOPs are not known."""
    if record not in _fitted:
        _fitted[record] = _fit(record)
    return _fitted[record]


def _fit(record: RunRecord) -> PowerLaw | None:
    known = np.isfinite(record.flops) & (record.flops > 0)
    if len(record.flops) != len(record.curve) or not known.any():
        return None
    return fit_power_law(RunRecord(record.key, Curve(record.curve.tokens[known], record.curve.loss[known]), record.flops[known]))


def power_law_words(record: RunRecord) -> list[str]:
    """The law in a sentence and, where it has numbers, their intervals and what it is not; the reason where there is none."""
    law = power_law_of(record)
    if law is None:
        return ["no power law over compute: the FLOPs of this run are not known"]
    words = [str(law)]
    if np.isfinite(law.exponent):
        words.append(_intervals(law))
        words += [] if is_finished(record) else [NOT_A_FORECAST]
    return words


def _intervals(law: PowerLaw) -> str:
    between = {name: numbers.between(*law.intervals[name], numbers.plain) for name in ("floor", "exponent")}
    low, high = law.intervals["scale"]
    scale = numbers.between(float(pf_days(low)), float(pf_days(high)), numbers.scientific)
    level = f"{100 * law.level:.0f} % intervals"
    return f"{level}: floor {between['floor']}, exponent {between['exponent']}, scale {scale} PF-days"


def power_law_line(record: RunRecord, points: int = 60) -> tuple[Floats, Any] | None:
    """(FLOPs, loss) of the law over the run's own curve; None where it has no numbers."""
    law = power_law_of(record)
    if law is None or not np.isfinite(law.exponent):
        return None
    seen = record.flops[np.isfinite(record.flops) & (record.flops > 0)]
    flops = np.geomspace(seen[0], seen[-1], points)
    return flops, law.predict(flops)
