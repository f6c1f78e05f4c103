"""Standard errors and intervals: the whole bootstrap is one batch of Newton searches that share their points.

A resample is a row of counts (how often each run was drawn), so that 4000 resamples of 240 points are matrix products. LawPoints of one run
are correlated and are drawn together (laws that resample points of curves come out too sure).
"""

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.laws.surface.newton import minimise
from lightning_scaling.laws.surface.objective import Problem

# 128 rows × 240 points × 8 bytes stay in the second-level cache: .32 s for 4000 resamples against .42 s in rows of 64.
ROWS_AT_ONCE = 128
# A resample moves a constant by a hundredth or more; its own search need not be better than this share of the objective.
TOLERANCE = 1e-7


def draw(groups: NDArray[np.intp], resamples: int, rng: np.random.Generator) -> Floats:
    """(resamples, n) counts: whole runs drawn with replacement."""
    runs = int(groups.max()) + 1
    counts = rng.multinomial(runs, np.full(runs, 1.0 / runs), size=resamples)
    return np.asarray(counts[:, groups], dtype=np.float64)


def refit(problem: Problem, best: Floats, counts: Floats, weights: Floats) -> Floats:
    """(R, 5) minima for each row of counts, all started from the fit to the points themselves."""
    rows = range(0, len(counts), ROWS_AT_ONCE)
    parts = [counts[i : i + ROWS_AT_ONCE] * weights for i in rows]
    return np.concatenate([minimise(problem, np.repeat(best[None], len(part), 0), part, TOLERANCE)[0] for part in parts])
