"""Which points of a long curve are kept."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_scaling.run.record import Prediction
from lightning_scaling.run.schedule import Schedule
from lightning_scaling.run.thinning import log_spaced, simplify_schedule, thin_predictions


@given(st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=300), st.integers(2, 60))
def test_both_ends_are_kept_and_no_more_than_asked(gaps: list[float], most: int) -> None:
    x = np.cumsum(gaps)
    kept = log_spaced(x, most)
    assert len(kept) == min(most, len(x))
    assert (kept[0], kept[-1]) == (0, len(x) - 1)
    assert (np.diff(kept) > 0).all()


def test_each_decade_gets_its_share() -> None:
    x = np.arange(1.0, 1_000_001.0)
    counts, _ = np.histogram(np.log10(x[log_spaced(x, 400)]), bins=[2, 3, 4, 5, 6])
    assert counts.min() > 50


def test_a_thinned_schedule_is_the_schedule() -> None:
    step = np.arange(0.0, 20_001.0)
    cosine = Schedule(step, 3e-4 * np.minimum(1, step / 500) * (1 + np.cos(np.pi * step / 20_000)) / 2)
    thinned = simplify_schedule(cosine)
    assert len(thinned.step) <= 100
    assert thinned.at(step) == pytest.approx(cosine.at(step), abs=2e-3 * cosine.peak)


def test_a_jump_of_the_schedule_is_kept() -> None:
    step = np.arange(0.0, 1000.0)
    drop = Schedule(step, np.where(step < 700, 1.0, 0.1))
    assert simplify_schedule(drop, 10).at(step) == pytest.approx(drop.at(step), abs=1e-9)


def test_the_last_prediction_keeps_its_sentence() -> None:
    made = tuple(Prediction(i, 100, 3.0, 2.9, 3.1, because=f"reason {i}") for i in range(1, 200))
    kept = thin_predictions(made)
    assert len(kept) == 50
    assert (kept[0].tokens, kept[-1]) == (1, made[-1])
    assert thin_predictions(()) == ()
