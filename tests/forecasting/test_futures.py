"""Schedules imagined for a rate that is known only so far."""

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule, forecast
from lightning_scaling.forecasting.futures import imagined, unknown_future
from lightning_scaling.forecasting.rate_profile import read_profile

END = 10_000.0


def so_far(schedule, share=0.5):
    steps = np.linspace(0, share * END, 200)
    return read_profile(Schedule(steps, schedule.at(steps)))


@pytest.mark.parametrize(
    ("schedule", "name"),
    [
        (Schedule.cosine(END, end=0.0), "cosine to zero"),
        (Schedule.cosine(END, end=0.1), "cosine to a tenth"),
        (Schedule.linear(END), "linear"),
        (Schedule.constant(END), "constant"),
    ],
)
def test_the_true_shape_is_the_most_likely(schedule, name):
    assert imagined(so_far(schedule), 0.5 * END, END)[-1].name == name


def test_a_decay_under_way_is_recognised():
    futures = imagined(so_far(Schedule.wsd(END, decay=0.2), 0.9), 0.9 * END, END)
    assert futures[-1].name == "WSD, last fifth"


def test_weights_sum_to_one():
    assert sum(f.weight for f in imagined(so_far(Schedule.cosine(END)), 0.5 * END, END)) == pytest.approx(1)


def test_every_future_keeps_the_past_and_joins_it():
    past = so_far(Schedule.cosine(END))
    for future in imagined(past, 0.5 * END, END):
        np.testing.assert_allclose(future.profile.rate_at(past.step), past.rate, atol=0.01)


def test_a_rate_that_has_been_flat_will_rather_stay_than_fall():
    weights = {f.name: f.weight for f in imagined(so_far(Schedule.constant(END)), 0.5 * END, END)}
    assert weights["constant"] > 0.5


@pytest.mark.parametrize(("known_until", "unknown"), [(5_000, True), (10_000, False)])
def test_only_a_schedule_that_ends_with_the_data_has_an_unknown_future(known_until, unknown):
    step = np.arange(1, 51) * 100.0
    curve = Curve(step, 1 + 1 / step, step, Schedule([0, known_until], [1.0, 1.0]))
    assert bool(unknown_future(curve, read_profile(curve.schedule), END)) is unknown


def test_no_schedule_has_no_futures():
    assert unknown_future(Curve([1.0, 2.0], [2.0, 1.0]), None, 4.0) == []


def test_the_fall_of_a_decay_that_is_over_leaves_the_interval_closed_downwards() -> None:
    """The last fifth fell five times as steeply as what went before; that ends with the decay, it does not go on for another run."""
    step = np.arange(400.0, 6401, 400)
    rate = np.clip((6400 - step) / 1280, 0.02, 1)
    noise = 1 + 0.002 * np.random.default_rng(0).standard_normal(len(step))
    so_far = Schedule(np.r_[0.0, step], np.r_[1.0, rate])
    seen = Curve(256 * step, (1.2 + (40 / step) ** 0.35 - 0.09 * (1 - rate)) * noise, step=step, schedule=so_far)
    again = forecast(seen, 2 * seen.tokens[-1])
    assert again.loss - again.low < 0.05 * again.loss
