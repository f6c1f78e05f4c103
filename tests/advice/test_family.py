"""A run beside its siblings at equal share: what departs is called, what does not is left alone, the gate says what is missing."""

from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule, advise
from lightning_scaling.advice import FamilyOutcome, Readings
from lightning_scaling.advice.family import read_family
from lightning_scaling.advice.family_gate import comparable

SIZES = (1_000_000, 2_000_000, 4_000_000, 8_000_000)
STEPS, POINTS = 1000, 120


def run(params, fault=None, seed=0, noise=3e-4, shape="cosine", tokens_per_param=20.0):
    """A finished run of the family; `fault` maps shares of the budget to factors on its loss."""
    x = np.linspace(1, POINTS, POINTS) / POINTS
    drawn = np.random.default_rng(seed + params).standard_normal(POINTS)
    clean = (1.6 + 1.4 * (params / 1e6) ** -0.3 + 0.5 * x**-0.4) * (1 + noise * drawn)
    schedule = getattr(Schedule, shape)(STEPS, warmup=20)
    tokens = x * tokens_per_param * params
    return Curve(tokens, clean * (1 if fault is None else fault(x)), np.round(x * STEPS), schedule, params)


SIBLINGS = tuple(run(params) for params in SIZES[:3])


def read(curve, until, siblings=SIBLINGS):
    end = float(curve.tokens[-1])
    return read_family(curve.until(until * end + 1e-9), end, siblings)


def test_a_healthy_run_follows_at_every_look():
    for seed in range(10):
        found = [read(run(SIZES[3], seed=seed), look / 40).outcome for look in range(7, 41)]
        assert set(found) <= {FamilyOutcome.FOLLOWS, FamilyOutcome.TOO_EARLY}


@pytest.mark.parametrize(
    "fault",
    [
        lambda x: np.where(x > 0.5, 1.01, 1.0),
        lambda x: 1 + 0.03 * np.clip((x - 0.5) / 0.2, 0, 1),
    ],
    ids=["step", "ramp"],
)
def test_a_fault_is_found_within_a_tenth_of_the_budget_and_dated(fault):
    ill = run(SIZES[3], fault)
    assert not read(ill, 0.5).departs
    found = read(ill, 0.6)
    assert found.departs
    assert 0.5 <= found.since <= 0.6
    assert found.because.startswith(f"departs from its family: {found.departure:.1f} times the usual scatter since")
    assert "4M, 2M and 1M parameters" in found.because


def test_the_verdict_is_investigate_with_the_departure():
    ill = run(SIZES[3], lambda x: np.where(x > 0.5, 1.008, 1.0))
    end = float(ill.tokens[-1])
    advice = advise(ill.until(0.62 * end), end, SIBLINGS)
    assert (advice.verdict.name, advice.reason.name) == ("INVESTIGATE", "LEFT_FAMILY")
    assert advice.because.startswith("departs from its family")
    assert advice.to_json()["family"]["outcome"] == "DEPARTS"
    alone = advise(ill.until(0.62 * end), end)
    assert alone.verdict.name != "INVESTIGATE"
    assert alone.family is None


def test_it_is_withdrawn_when_the_run_is_back():
    healed = run(SIZES[3], lambda x: np.where((x > 0.4) & (x < 0.6), 1.02, 1.0))
    assert read(healed, 0.5).departs
    assert not read(healed, 0.75).departs


def test_it_stands_long_after_the_jump():
    assert read(run(SIZES[3], lambda x: np.where(x > 0.3, 1.02, 1.0)), 1.0).departs


def test_a_run_that_falls_below_is_reported_and_not_accused():
    better = run(SIZES[3], lambda x: np.where(x > 0.5, 0.98, 1.0))
    found = read(better, 0.7)
    assert found.outcome is FamilyOutcome.BELOW
    assert found.departure < 0
    assert not found.departs


def test_the_level_counts_only_with_three_siblings():
    high = run(SIZES[3], lambda x: np.full_like(x, 1.3))
    assert read(high, 0.4).rule == "level"
    assert not read(high, 0.4, SIBLINGS[:2]).departs


def test_an_ill_sibling_is_left_out():
    ill = run(SIZES[1], lambda x: np.where(x > 0.3, 1.05, 1.0))
    found = read(run(SIZES[3]), 0.8, (SIBLINGS[0], ill, SIBLINGS[2], run(500_000)))
    assert SIZES[1] not in found.against
    assert found.outcome is FamilyOutcome.FOLLOWS


@pytest.mark.parametrize(
    ("sibling", "why"),
    [
        (run(SIZES[2], shape="linear"), "another schedule over the first 60 % of its budget"),
        (run(SIZES[2], tokens_per_param=10.0), "0.5 times the tokens per parameter"),
        (replace(run(SIZES[2]), schedule=None), "one schedule is known and the other not"),
        (replace(run(SIZES[2]), unique_tokens=1e7), "times as many passes"),
        (run(SIZES[2]).take(slice(0, 5)), "fewer than 12 losses"),
    ],
    ids=["schedule", "ratio", "unknown", "passes", "short"],
)
def test_the_gate_says_what_is_missing(sibling, why):
    found = read(run(SIZES[3]), 0.6, (sibling,))
    assert found.outcome is FamilyOutcome.NOT_COMPARABLE
    assert "0 of 3 comparable siblings: a finished smaller run under the same schedule at 14 or more tokens per parameter" in found.missing
    assert why in found.missing


def test_a_schedule_that_differs_only_later_is_the_same_so_far():
    half = run(SIZES[3], shape="wsd")
    end = float(half.tokens[-1])
    constant = tuple(run(params, shape="constant") for params in SIZES[:3])
    assert len(comparable(half.until(0.6 * end), end, constant).kept) == 3
    assert len(comparable(half.until(0.95 * end), end, constant).kept) == 0


def test_no_unit_matters():
    ill = run(SIZES[3], lambda x: np.where(x > 0.5, 1.01, 1.0))
    once = read(ill, 0.7)
    rescaled = [replace(c, tokens=c.tokens * 1e-3, loss=c.loss * 7, params=c.params * 10) for c in (ill, *SIBLINGS)]
    again = read(rescaled[0], 0.7, tuple(rescaled[1:]))
    assert again.departure == pytest.approx(once.departure, rel=1e-6)
    assert again.since == once.since


def test_no_loss_above_zero_is_not_compared():
    below = tuple(replace(s, loss=s.loss - 10) for s in SIBLINGS)
    assert read(replace(run(SIZES[3]), loss=run(SIZES[3]).loss - 10), 0.7, below).outcome is FamilyOutcome.NOT_COMPARABLE


def test_a_departure_is_one_change_of_the_verdict():
    ill, readings, lines = run(SIZES[3], lambda x: np.where(x > 0.4, 1.02, 1.0)), Readings(), []
    end = float(ill.tokens[-1])
    for look in range(12, 36):
        seen = ill.until(look / 40 * end)
        lines += [c.line for c in readings.update(advise(seen, end, SIBLINGS), float(seen.tokens[-1]), end) if c.value == "INVESTIGATE"]
    assert len(lines) == 1
