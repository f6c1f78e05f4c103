"""The measured drop: a run whose averaged weights show it is forecast without a prior's guess."""

from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling import Curve, ForecastOutcome, Schedule, advise, forecast
from lightning_scaling.forecasting.averaged_weights import DROP, annealed

STEPS, END = 20_000, 2e9
GAP = 0.06  # of the averaged loss at the peak rate: twice what a prior expects


def run(shape="wsd", until=0.6, measured=True, gap=GAP, noise=1e-3, own=False):
    """A run that is annealed by DROP·gap·(1 − rate^.85), its averaged loss measured at a dozen points; and the loss that it ends at."""
    schedule = getattr(Schedule, shape)(STEPS, warmup=200)
    step = np.linspace(STEPS / 150, STEPS, 150)
    rate = schedule.at(step)
    effective = np.cumsum(rate**0.6) / 150
    floor = 2.0 * (effective / effective[-1]) ** -0.06
    loss = floor * np.exp(DROP * gap * rate**0.85)
    averaged = loss * np.exp(-gap * rate**0.85)
    drawn = np.exp(noise * np.random.default_rng(0).standard_normal(150))
    marks = np.unique(np.searchsorted(step, STEPS * np.geomspace(0.05, 1, 12)))
    kept = np.full(150, np.nan)
    kept[np.minimum(marks, 149)] = (averaged * drawn)[np.minimum(marks, 149)]
    logged = averaged * drawn if own else loss * drawn
    curve = Curve(step / STEPS * END, logged, step, schedule, 10**8, averaged_loss=logged if own else kept, optimizer_steps=True)
    seen = curve.until(until * END)
    return (seen if measured else replace(seen, averaged_loss=None)), float((averaged if own else loss)[-1])


@pytest.mark.parametrize("until", [0.3, 0.5, 0.7])
def test_the_drop_of_a_decay_to_come_is_measured(until):
    seen, end = run(until=until)
    without = forecast(replace(seen, averaged_loss=None), at=END)
    found = forecast(seen, at=END)
    assert found.outcome is ForecastOutcome.MEASURED
    assert abs(np.log(found.loss / end)) < 0.4 * abs(np.log(without.loss / end))
    assert found.low < end < found.high


def test_a_rate_that_stays_needs_no_measurement():
    seen, _ = run("constant")
    assert forecast(seen, at=END).loss == forecast(replace(seen, averaged_loss=None), at=END).loss


def test_three_measurements_are_too_few():
    seen, _ = run()
    few = np.where(np.cumsum(np.isfinite(seen.averaged_loss)) <= 4, seen.averaged_loss, np.nan)
    few[: len(few) // 8] = np.nan
    assert annealed(replace(seen, averaged_loss=few), np.array([END])) is None


def test_no_drop_measured_is_no_drop_forecast():
    seen, end = run(gap=0.0)
    found = forecast(seen, at=END)
    assert found.loss == pytest.approx(end, rel=0.004)
    assert found.loss > forecast(replace(seen, averaged_loss=None), at=END).loss


def test_where_the_loss_is_that_of_averaged_weights_no_second_drop_is_expected():
    seen, end = run(own=True, gap=0.03)
    found = forecast(seen, at=END)
    assert abs(np.log(found.loss / end)) < 0.5 * abs(np.log(forecast(replace(seen, averaged_loss=None), at=END).loss / end))


def test_places_passed_already_and_several_at_once():
    seen, _ = run()
    at = np.array([0.7 * END, 0.9 * END, END])
    found = forecast(seen, at=at)
    assert found.loss[-1] == pytest.approx(forecast(seen, at=END).loss, rel=2e-3)
    assert np.isfinite(found.low).all()


def test_the_advice_states_that_its_decay_was_measured():
    seen, _ = run("constant", until=0.9)
    advice = advise(seen, END)
    assert advice.option("decay now").basis == "measured"
    assert "measured on averaged weights" in str(advice)
    assert advice.verdict.name == "DECAY_NOW"
    assert "measured" in advice.because
