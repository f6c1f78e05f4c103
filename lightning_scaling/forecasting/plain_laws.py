"""The plain second opinion: a power law with a floor through the late part of the curve, blind to the learning rate.

Where the rate no longer matters it is hard to beat (.15 % median error at 70 % observed), and its mistakes are not the schedule-aware law's.
"""

import numpy as np

from lightning_scaling.arrays import Floats, robust_spread
from lightning_scaling.forecasting.observed import Observed
from lightning_scaling.laws.power import scan

ALPHAS = np.geomspace(0.02, 6.0, 48)
ROUNDS = 3
HUBER = 1.345  # robust standard deviations


def tail_law(observed: Observed) -> Floats:
    """(m,) fitted loss at the places asked for, continued from the law's own line."""
    y = observed.units.logged(observed.loss + observed.offset) / observed.units.unit
    powers, powers_at = (np.asarray(x ** -ALPHAS[:, None]) for x in (observed.tokens, observed.tokens_at))
    weight, best, found = np.ones_like(y), 0, None
    for _ in range(ROUNDS):
        found = scan(powers, y, weight, floored=observed.units.log)
        best = int(np.argmin(np.where(found.rise > 0, found.squares, np.inf)))
        off = np.abs(y - found.floor[best] - found.rise[best] * powers[best])
        weight = np.minimum(1.0, HUBER * max(robust_spread(off), 1e-9) / np.maximum(off, 1e-300))
    assert found is not None
    if found.rise[best] <= 0:
        return np.zeros_like(observed.s_at)
    return observed.units.fitted(observed.units.unit * (found.floor[best] + found.rise[best] * powers_at[best]))
