"""Outliers are proposed and never dropped; the largest runs are held out and the miss is reported."""

from collections.abc import Callable

import numpy as np

from lightning_scaling.laws import fit_surface, propose_outliers
from lightning_scaling.numbers import count

Sweep = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]


def test_crippled_runs_are_proposed_and_both_laws_are_given(sweep: Sweep) -> None:
    params, tokens, loss = sweep(noise=0.003)
    loss[[3, 40]] *= 1.15
    proposal = propose_outliers(fit_surface(params, tokens, loss, resamples=100, seed=0))
    assert np.flatnonzero(proposal.outlier).tolist() == [3, 40]
    assert len(proposal.kept.points) == 75
    assert len(proposal.dropped.points) == 73
    assert "2 of 75 points" in proposal.because
    assert "the 95 % interval" in proposal.because


def test_dropping_points_that_decide_the_answer_is_reported_as_outside_the_interval(sweep: Sweep) -> None:
    params, tokens, loss = sweep(noise=0.001)
    largest = np.argsort(tokens / params)[-4:]
    loss[largest] *= np.exp(0.03)  # the longest runs of small models ended too high: dropping them makes long training look better
    fit = fit_surface(params, tokens, loss, resamples=300, seed=0, objective="log_least_squares")
    proposal = propose_outliers(fit, flops=1e23)
    assert set(largest) <= set(np.flatnonzero(proposal.outlier))
    before, after = proposal.kept.optimum(1e23).params, proposal.dropped.optimum(1e23).params
    low, high = fit.optimum(1e23, 0.95).params_interval or (np.nan, np.nan)
    assert (" inside " in proposal.because) == bool(low <= after <= high)
    assert f"from {count(before)} to {count(after)} params" in proposal.because


def test_a_clean_sweep_proposes_none(sweep: Sweep) -> None:
    fit = fit_surface(*sweep(noise=0.01, seed=2))
    proposal = propose_outliers(fit)
    assert not proposal.outlier.any()
    assert proposal.dropped is fit
