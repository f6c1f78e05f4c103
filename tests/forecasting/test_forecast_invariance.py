"""What must not matter does not: units, the order of arrival, spikes, how many places are asked for."""

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule, forecast


def numbers(f):
    return np.array([f.loss, f.low, f.high])


def changed(curve, tokens=1.0, loss=1.0, lr=1.0):
    profile = Schedule(curve.schedule.step, lr * curve.schedule.lr)
    return Curve(tokens * curve.tokens, loss * curve.loss, curve.step, profile)


@pytest.mark.parametrize("factor", [1e-4, 1 / np.log(2), 1e5])
def test_scaling_the_loss_scales_the_answer(run, factor):
    observed = run("cosine").until(0.5 * run.end)
    np.testing.assert_allclose(
        numbers(forecast(changed(observed, loss=factor), run.end)), factor * numbers(forecast(observed, run.end)), rtol=1e-6
    )


def test_scaling_the_tokens_changes_nothing(run):
    observed = run("cosine").until(0.5 * run.end)
    np.testing.assert_allclose(
        numbers(forecast(changed(observed, tokens=7.0), 7.0 * run.end)), numbers(forecast(observed, run.end)), rtol=1e-6
    )


def test_scaling_the_rate_changes_nothing(run):
    observed = run("cosine").until(0.5 * run.end)
    np.testing.assert_allclose(numbers(forecast(changed(observed, lr=3e-4), run.end)), numbers(forecast(observed, run.end)), rtol=1e-9)


@pytest.mark.parametrize("factor", [1e-3, 0.37, 1e6])
@pytest.mark.parametrize("kind", ["wsd", "cosine"])
def test_the_unit_of_the_steps_changes_nothing(run, kind, factor):
    seen = run(kind).until(0.5 * run.end)
    schedule = Schedule(factor * seen.schedule.step, seen.schedule.lr)
    rescaled = Curve(seen.tokens, seen.loss, factor * seen.step, schedule)
    np.testing.assert_allclose(numbers(forecast(rescaled, run.end)), numbers(forecast(seen, run.end)), rtol=1e-3)


def test_steps_known_to_be_optimizer_steps_keep_their_unit(run):
    seen = run("wsd").until(0.9 * run.end)
    schedule = Schedule(100 * seen.schedule.step, seen.schedule.lr)
    few, many = (
        Curve(seen.tokens, seen.loss, seen.step, seen.schedule, optimizer_steps=True),
        Curve(seen.tokens, seen.loss, 100 * seen.step, schedule, optimizer_steps=True),
    )
    assert forecast(few, run.end).loss != pytest.approx(forecast(many, run.end).loss, rel=1e-4)


def test_a_run_followed_point_by_point_gets_the_answer_of_its_log(run):
    whole = run("wsd", points=60)
    for n in range(1, len(whole) + 1):
        online = Curve(list(whole.tokens[:n]), list(whole.loss[:n]), list(whole.step[:n]), whole.schedule)
        batch = whole.until(float(whole.tokens[n - 1]))
        np.testing.assert_array_equal(numbers(forecast(online, run.end)), numbers(forecast(batch, run.end)))


def test_spikes_do_not_move_the_forecast(run):
    observed = run("constant").until(0.5 * run.end)
    loss = observed.loss.copy()
    loss[[20, 55, 80]] *= [3.0, 1.5, 8.0]
    spiky = forecast(Curve(observed.tokens, loss, observed.step, observed.schedule), run.end)
    assert spiky.loss == pytest.approx(forecast(observed, run.end).loss, rel=2e-3)


def test_losses_that_are_not_finite_are_left_out(run):
    observed = run("constant").until(0.5 * run.end)
    loss = observed.loss.copy()
    loss[[10, 40]] = [np.nan, np.inf]
    holed = forecast(Curve(observed.tokens, loss, observed.step, observed.schedule), run.end)
    assert holed.loss == pytest.approx(forecast(observed, run.end).loss, rel=2e-3)


def test_the_noise_is_measured(run):
    assert forecast(run("constant", noise=0.01, points=400), 2 * run.end).noise == pytest.approx(0.01, rel=0.2)


def test_a_wider_level_contains_a_narrower_one(run):
    observed = run("cosine").until(0.5 * run.end)
    wide, narrow = forecast(observed, run.end, level=0.95), forecast(observed, run.end, level=0.5)
    assert wide.low < narrow.low < narrow.loss < narrow.high < wide.high


def test_places_asked_for_together_get_the_answers_of_each_alone(run):
    observed = run("cosine").until(0.5 * run.end)
    places = np.array([0.3, 0.7, 1.0]) * run.end
    together = forecast(observed, places)
    for i, place in enumerate(places):
        np.testing.assert_allclose(numbers(together)[:, i], numbers(forecast(observed, place)), rtol=1e-9)


def test_probability_below_agrees_with_the_interval(run):
    f = forecast(run("cosine").until(0.5 * run.end), run.end)
    np.testing.assert_allclose(f.probability_below([f.low, f.loss, f.high]), [0.05, 0.5, 0.95], atol=1e-6)
    assert isinstance(f.probability_below(f.loss), float)


def test_probability_below_a_loss_that_cannot_be_is_zero(run):
    assert forecast(run("cosine").until(0.5 * run.end), run.end).probability_below(-1.0) == 0.0


def test_probability_below_goes_place_by_place(run):
    f = forecast(run("cosine").until(0.5 * run.end), [0.8 * run.end, run.end])
    np.testing.assert_allclose(f.probability_below(f.loss), 0.5, atol=2e-3)
