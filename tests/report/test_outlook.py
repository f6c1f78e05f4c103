"""The picture of one run and its forecast."""

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule, forecast
from lightning_scaling.report.figures.outlook import outlook, places

STEPS = np.arange(1, 61) * 100.0
SCHEDULE = Schedule([0, 8_000, 10_000], [1.0, 1.0, 0.0])


def run(loss=2 + (100 / STEPS) ** 0.5, schedule=SCHEDULE):
    return Curve(STEPS * 1e4, loss, step=STEPS, schedule=schedule, params=10**6)


def drawn(curve, at=1e8):
    return outlook(curve, forecast(curve, places(curve, at)))


def test_the_band_leads_from_now_to_the_end():
    curve = run()
    figure = drawn(curve)
    (band,) = [c for c in figure.axes[0].collections if c.get_gid() == "band"]
    tokens = band.get_paths()[0].vertices[:, 0]
    assert curve.tokens[-1] < tokens.min() < 1.02 * curve.tokens[-1]
    assert tokens.max() == pytest.approx(1e8)


def test_the_title_tells_the_end():
    curve = run()
    assert f"{forecast(curve, 1e8).loss:.4g}" in drawn(curve).axes[0].get_title(loc="left")


def test_a_plan_is_drawn_below_and_none_where_none_is_known():
    assert len(drawn(run()).axes) == 2
    assert len(drawn(run(schedule=None)).axes) == 1


def test_no_forecast_is_said_in_the_picture():
    broken = run(np.where(STEPS > 5_000, np.nan, 3.0))
    assert "diverged" in drawn(broken).axes[0].texts[0].get_text()


def test_a_place_that_has_been_passed_is_drawn_alone():
    curve = run()
    assert places(curve, 3e7).tolist() == [3e7]
    assert drawn(curve, 3e7).axes[0].get_title(loc="left")


def test_the_power_law_lies_over_the_curve_and_compute_stands_above():
    axes = drawn(run()).axes[0]
    (law,) = [line for line in axes.lines if line.get_gid() == "power-law"]
    assert law.get_ydata() == pytest.approx(2 + (1e6 / law.get_xdata()) ** 0.5, rel=1e-2)
    assert any("power law so far: L(C) = 2.0" in text.get_text() for text in axes.texts)
    (above,) = axes.child_axes
    assert above.get_xlabel() == "training compute C (FLOPs)"
