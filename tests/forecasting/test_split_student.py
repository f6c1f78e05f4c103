"""The split distribution agrees with scipy's Student t, side by side."""

import numpy as np
import pytest
from scipy.stats import t

from lightning_scaling.forecasting.distributions import TAILS, SplitStudent

SPLIT = SplitStudent(np.array([2.0]), np.array([0.1]), np.array([0.4]))


@pytest.mark.parametrize(("share", "scale"), [(0.05, 0.1), (0.5, 1.0), (0.95, 0.4)])
def test_each_side_has_its_own_scale(share, scale):
    assert SPLIT.quantile(share)[0] == pytest.approx(2.0 + scale * t(TAILS).ppf(share))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9])
def test_the_chance_below_inverts_the_quantile(share):
    assert SPLIT.chance_below(SPLIT.quantile(share))[0] == pytest.approx(share)
