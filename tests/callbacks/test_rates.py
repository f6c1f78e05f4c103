"""The rates a run has seen: their sum exact, their line true and short."""

import json
import math

import numpy as np
import pytest

from lightning_scaling.callbacks.rates import MOST, Rates


def seen(rates):
    kept = Rates()
    for rate in rates:
        kept.add(float(rate))
    return kept


def cosine(steps):
    return [1e-3 * (1 + math.cos(math.pi * s / steps)) / 2 for s in range(steps)]


SHAPES = {
    "constant": [1e-3] * 5000,
    "cosine": cosine(5000),
    "warm-up, hold, decay": [*np.linspace(0, 1e-3, 500), *[1e-3] * 4000, *np.linspace(1e-3, 0, 500)],
    "steps": [1e-3] * 2000 + [1e-4] * 2000 + [1e-5] * 1000,
    "inverse square root": [1e-3 / math.sqrt(s + 1) for s in range(5000)],
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_line_is_within_half_a_percent_of_the_peak(name):
    steps, rates = seen(SHAPES[name]).line()
    assert np.abs(np.interp(np.arange(5000), steps, rates) - SHAPES[name]).max() < 5e-3 * max(SHAPES[name])


@pytest.mark.parametrize("name", SHAPES)
def test_the_line_is_short(name):
    assert len(seen(SHAPES[name]).line()[0]) < 120


def test_the_sum_is_exact():
    assert seen(SHAPES["cosine"]).sum == pytest.approx(sum(SHAPES["cosine"]), rel=1e-12)


def test_a_rate_that_never_stays_keeps_a_bounded_line():
    rng = np.random.default_rng(0)
    kept = seen(rng.uniform(0, 1, 20_000))
    assert len(kept.line()[0]) <= MOST + 2


def test_a_resumed_line_goes_on_as_if_nothing_had_happened():
    first, straight = seen(cosine(1000)[:400]), seen(cosine(1000))
    resumed = Rates()
    resumed.restore(json.loads(json.dumps(first.state())))
    for rate in cosine(1000)[400:]:
        resumed.add(rate)
    assert resumed.line() == straight.line()
    assert resumed.sum == straight.sum


def test_looking_often_or_late_gives_the_same_line_and_sum():
    late, often = seen(cosine(10_000)), Rates()
    for step, rate in enumerate(cosine(10_000)):
        often.add(rate)
        if step % 7 == 0:
            often.settle()
    assert often.steps == late.steps == 10_000
    assert often.state() == late.state()
