"""The array type of the package, and the one robust measure of spread."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Median absolute deviation of a normal distribution, in standard deviations.
MAD_OF_NORMAL = 1.4826


def robust_spread(residuals: Any) -> float:
    """Standard deviation by the median absolute deviation from zero: 1.4826 times the median of |residual|.

    >>> robust_spread([-1.0, 1.0, 1.0, 500.0])
    1.4826
    """
    return float(MAD_OF_NORMAL * np.median(np.abs(residuals)))
