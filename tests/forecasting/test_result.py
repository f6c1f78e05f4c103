"""How a forecast prints, and the distributions it ends with, against scipy and against each other."""

import numpy as np
import pytest
from scipy.stats import norm, t

from lightning_scaling import Curve, forecast
from lightning_scaling.forecasting.distributions import TAILS, Mixture, SplitStudent


def test_one_normal_has_its_own_quantiles():
    one = Mixture(np.ones(1), np.array([[3.0]]), np.array([[0.5]]))
    np.testing.assert_allclose(one.quantiles(np.array([0.05, 0.5, 0.95]))[:, 0], norm(3, 0.5).ppf([0.05, 0.5, 0.95]), atol=2e-3)


def test_quantiles_invert_the_chance_of_being_below():
    rng = np.random.default_rng(0)
    mixture = Mixture(np.full(20, 0.05), rng.normal(size=(20, 2)), rng.uniform(0.1, 2, (20, 2)))
    shares = np.array([0.05, 0.5, 0.95])
    np.testing.assert_allclose(mixture.below(mixture.quantiles(shares).T), np.tile(shares, (2, 1)), atol=5e-3)


def test_moving_scales_about_the_centre():
    two = Mixture(np.array([0.5, 0.5]), np.array([[-1.0], [1.0]]), np.array([[3.0], [4.0]])).moved(10.0, 0.5, 0.0)
    assert two.mean.ravel().tolist() == [9.5, 10.5]
    assert two.deviation.ravel() == pytest.approx([1.5, 2.0])


SPLIT = SplitStudent(np.array([2.0]), np.array([0.1]), np.array([0.4]))


@pytest.mark.parametrize(("share", "scale"), [(0.05, 0.1), (0.5, 1.0), (0.95, 0.4)])
def test_each_side_has_its_own_scale(share, scale):
    assert SPLIT.quantile(share)[0] == pytest.approx(2.0 + scale * t(TAILS).ppf(share))


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9])
def test_the_chance_below_inverts_the_quantile(share):
    assert SPLIT.chance_below(SPLIT.quantile(share))[0] == pytest.approx(share)


TOKENS = np.arange(1, 41) * 1e6
CURVE = Curve(TOKENS, 2 + (1e6 / TOKENS) ** 0.5)

GOLDEN = """\
No forecast at 10M tokens: there are fewer than six points after warm-up. The last level is 3.500.

tokens   loss  90 % interval
10M     3.500              –"""


def test_a_declined_forecast_prints_its_reason_and_the_last_level():
    assert str(forecast(Curve([1e6, 2e6, 3e6], [4.0, 3.5, 3.2]), 1e7)) == GOLDEN


def test_a_forecast_prints_loss_interval_and_outcome():
    lines = str(forecast(CURVE, [6e7, 8e7])).splitlines()
    assert lines[0].startswith("The loss is expected to be 2.11")
    assert lines[0].endswith("the loss ends in the lower half of this interval.")
    assert [line.split()[0] for line in lines[2:]] == ["tokens", "60M", "80M"]


def test_a_notebook_gets_the_same_cells_as_a_table():
    f = forecast(CURVE, 8e7, level=0.5)
    html = f._repr_html_()
    assert html.count("<tr>") == 2
    assert "50 % interval" in html
    assert str(f).splitlines()[-1].split()[1] in html
