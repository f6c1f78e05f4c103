"""One fit of finished runs: what enters it, and what it refuses."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling import Curve, RunRecord, RunState
from lightning_scaling.laws import FinishedRuns, Surface, finished, finished_table, fit_runs
from lightning_scaling.laws.extrapolation.backtests import hold_out_largest
from lightning_scaling.laws.runs_fit import RunsFit, fit_or_explain
from lightning_scaling.run.conventions import Conventions

LAW = Surface(1.7, 400, 410, 0.34, 0.28)
Make = Callable[..., RunRecord]
SIZES = (90_000, 160_000, 280_000, 480_000, 830_000, 1_400_000, 2_500_000)


@pytest.fixture(scope="module")
def make() -> Make:
    return a_run


def a_run(params: int, tokens_per_param: float = 30.0, **changes: object) -> RunRecord:
    tokens = params * tokens_per_param * np.array([0.25, 0.5, 1.0])
    noise = np.random.default_rng([params, int(tokens_per_param)]).normal(0, 0.002)
    loss = (1.05 + 33.0 / params**0.37 + 190.0 / tokens**0.36) * np.exp(noise)
    curve = Curve(tokens, loss, params=params)
    base = RunRecord(f"{params}-{tokens_per_param:g}", curve, curve.flops, Conventions(), state=RunState.FINISHED)
    return replace(base, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def ladder() -> list[RunRecord]:
    return [a_run(n) for n in SIZES]


@pytest.fixture(scope="module")
def fit(ladder: list[RunRecord]) -> RunsFit:
    return fit_runs(ladder)


def test_every_run_of_a_ladder_enters_the_law_of_compute(ladder: list[RunRecord], fit: RunsFit) -> None:
    assert len(fit.frontier.flops) == len(ladder)


def test_of_runs_of_many_lengths_those_undercut_by_a_cheaper_one_are_left_out() -> None:
    runs = finished([a_run(n, t) for n in (200_000, 1_000_000, 5_000_000) for t in (3, 30, 300)])
    kept = runs.on_frontier
    assert len(kept) < len(runs)
    assert kept.loss.tolist() == sorted(kept.loss, reverse=True)


def test_the_prediction_of_the_largest_does_not_see_it(ladder: list[RunRecord]) -> None:
    altered = replace(ladder[-1], curve=replace(ladder[-1].curve, loss=2 * ladder[-1].curve.loss))
    seen, unseen = (hold_out_largest(finished([*ladder[:-1], last])) for last in (ladder[-1], altered))
    assert seen is not None
    assert unseen is not None
    assert seen.loss == unseen.loss
    assert seen.observed == ladder[-1].loss


def test_the_prediction_reports_how_far_it_reached(ladder: list[RunRecord], fit: RunsFit) -> None:
    assert fit.largest is not None
    assert fit.largest.beyond == pytest.approx(ladder[-1].spent / ladder[-2].spent)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_runs_are_refused_in_words(ladder: list[RunRecord], count: int) -> None:
    found = fit_runs(ladder[:count])
    assert not found.usable
    assert not found.frontier.usable
    assert "at least three finished runs" in found.notes[0]


def test_runs_counted_differently_are_not_fitted_together(ladder: list[RunRecord]) -> None:
    mixed = [*ladder[:-1], replace(ladder[-1], conventions=Conventions(params="non_embedding"))]
    with pytest.raises(ValueError, match="different conventions"):
        fit_runs(mixed)
    explained = fit_or_explain(mixed)
    assert not explained.usable
    assert "conventions" in explained.notes[0]


def test_broken_runs_do_not_move_the_law(ladder: list[RunRecord], fit: RunsFit) -> None:
    empty = RunRecord("empty", Curve([], []), np.array([]))
    lost = a_run(100_000, state=RunState.FINISHED, key="lost")
    broken = [empty, replace(lost, curve=replace(lost.curve, loss=np.full(3, np.nan)))]
    assert fit_runs([*ladder, *broken]).predict(1e6, 3e7) == fit.predict(1e6, 3e7)


def test_each_no_of_a_fit_names_its_remedy(fit: RunsFit) -> None:
    assert fit.surface.outcome.name == "ONE_RATIO"
    assert fit.usable
    assert not fit.split_identified
    assert "four times the tokens per parameter" in str(fit.split_identified)


def test_a_result_without_resamples_names_how_to_get_intervals(ladder: list[RunRecord]) -> None:
    bare = fit_runs(ladder, resamples=0)
    assert not bare.surface.resampled
    assert "resamples=1000" in bare.surface.resampled.remedy
    assert "E " in str(bare)


def swept(rate: np.ndarray) -> FinishedRuns:
    """Runs of 25 (N, D); rates are logs over the best one."""
    params, tokens, off = (v.ravel() for v in np.meshgrid(np.geomspace(1e7, 3e8, 5), np.geomspace(1e9, 3e10, 5), rate))
    noise = 0.001 * np.random.default_rng(0).standard_normal(len(params))
    return finished_table(params, tokens, LAW.predict(params, tokens) * np.exp(0.03 * off**2 + noise))


def test_of_a_hyper_parameter_sweep_the_best_runs_are_fitted() -> None:
    table = swept(np.linspace(-1.5, 1.5, 9))
    fit, as_seeds = fit_runs(table, resamples=0), fit_runs(table, resamples=0, replicates="seeds")
    assert (len(fit.runs), len(as_seeds.runs)) == (25, 225)
    assert "the best of each of 25 (N, D)" in fit.notes[0]
    truth = LAW.predict(1e9, 1e11)
    assert abs(fit.predict(1e9, 1e11) / truth - 1) < 0.004 < abs(as_seeds.predict(1e9, 1e11) / truth - 1)


def test_seeds_all_enter() -> None:
    fit = fit_runs(swept(np.zeros(9)), resamples=0)
    assert len(fit.runs) == 225
    assert not any("sweep" in note for note in fit.notes)


def a_table(change: Callable[[np.ndarray], np.ndarray]) -> FinishedRuns:
    params, tokens = (v.ravel() for v in np.meshgrid(np.geomspace(1e7, 4e8, 5), np.geomspace(1e9, 1e11, 5), indexing="ij"))
    loss = LAW.predict(params, tokens) * np.exp(0.003 * np.random.default_rng(0).standard_normal(25))
    return finished_table(params, tokens, change(loss))


def test_the_law_of_compute_of_losses_that_do_not_fall_is_no_choice_of_the_lowest() -> None:
    rising = fit_runs(a_table(lambda loss: 8 - loss), resamples=0)
    assert not rising.frontier.falls
    assert "No law of loss over compute" in str(rising)


def test_a_cheap_run_that_diverged_takes_no_part_in_the_law_of_compute() -> None:
    table = a_table(lambda loss: np.r_[2.5 * loss[:1], loss[1:]])
    broken, without = (fit_runs(runs, resamples=0) for runs in (table, table.take(np.arange(1, 25))))
    assert "run 1 lies far above L(N, D)" in str(broken)
    assert broken.frontier.exponent == pytest.approx(without.frontier.exponent, rel=1e-9)


def test_the_words_of_a_fit_give_the_law_of_compute_with_its_floor() -> None:
    found = fit_runs(a_table(lambda loss: loss), resamples=0)
    assert found.frontier.floor_identified
    assert f"L(C) = {found.frontier.floor:.3f} + (" in str(found)


def test_the_words_of_a_fit_give_a_range_for_the_loss_of_larger_budgets() -> None:
    text = str(fit_runs(a_table(lambda loss: loss), resamples=0))
    assert "expected loss (90 % interval)" in text
    assert "to shorten the distance: one run of" in text
