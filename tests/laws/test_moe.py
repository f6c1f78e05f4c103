"""Dense and mixture-of-experts models in one law, from a table, a model or a store: what it finds and what it leaves open."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import lightning_scaling as ls
from lightning_scaling.accounting.parameters import choose
from lightning_scaling.importers.records import records_of
from lightning_scaling.importers.runs_table import read_table
from lightning_scaling.laws import Surface, finished, finished_table, fit_runs
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.record import RunRecord

LAW = Surface(1.7, 400, 410, 0.34, 0.28)
ACTIVE, RATIOS, TOKENS = [5e7, 2e8, 8e8], [1.0, 4.0, 16.0], [2e9, 8e9, 3e10]
# Tian et al. 2025 (arXiv 2507.17702): a mixture of .85B active of 17.5B parameters matches a dense model of 6.1B on the same 1T tokens.
MATCHED = (0.85e9, 17.5e9, 6.1e9)
GAMMA = float(np.log(MATCHED[2] / MATCHED[0]) / np.log(MATCHED[1] / MATCHED[0]))


def runs(
    gamma: float = GAMMA,
    drift: float = 0.0,
    noise: float = 0.003,
    seed: int = 0,
    ratios: list[float] = RATIOS,
    active: list[float] = ACTIVE,
) -> tuple[NDArray[np.float64], ...]:
    """(active, total, tokens, loss) of a grid."""
    size, ratio, tokens = (v.ravel() for v in np.meshgrid(active, ratios, TOKENS))
    centre = np.exp(np.log(size).mean())
    loss = LAW.predict(size * ratio ** (gamma + drift * np.log(size / centre)), tokens)
    return size, size * ratio, tokens, loss * np.exp(noise * np.random.default_rng(seed).standard_normal(len(size)))


def test_a_mixture_that_matches_a_dense_model_seven_times_its_size_has_a_leverage_of_seven() -> None:
    fit = ls.fit_moe(*runs(noise=0.001), form="constant")
    assert fit.outcome.name == "IDENTIFIED"
    assert fit.effective(*MATCHED[:2]) == pytest.approx(MATCHED[2], rel=0.05)
    value, low, high = fit.leverage(*MATCHED[:2])
    assert low < MATCHED[2] / MATCHED[0] < high
    assert value > 6.5
    assert fit.predict(0.85e9, 17.5e9, 1e12) == pytest.approx(LAW.predict(6.1e9, 1e12), rel=0.01)


def test_dense_runs_count_by_their_parameters() -> None:
    fit = ls.fit_moe(*runs(noise=0.0), form="constant")
    assert fit.effective(1e9, 1e9) == 1e9
    assert fit.leverage(1e9, 1e9) == (1.0, 1.0, 1.0)
    assert fit.surface.alpha == pytest.approx(0.34, rel=1e-3)


def test_nine_intervals_in_ten_hold_gamma() -> None:
    held = []
    for seed in range(10):
        low, high = ls.fit_moe(*runs(seed=seed), form="constant").gamma_interval
        held.append(low <= GAMMA <= high)
    assert np.mean(held) >= 0.7  # four misses in ten have a chance of .01 at .9


def test_the_form_is_the_one_that_predicts_sizes_left_out() -> None:
    sizes = [5e7, 1.5e8, 4e8, 1e9]
    grown = ls.fit_moe(*runs(0.6, drift=-0.1, active=sizes))
    assert grown.held_out["with size"] < grown.held_out["constant"]
    assert grown.drift == pytest.approx(-0.1, abs=0.04)
    low, high = grown.leverage(1e9, 16e9)[1:]
    assert low < 16 ** (0.6 - 0.1 * np.log(1e9 / grown.centre)) < high
    assert "with size" in str(grown)


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (runs(ratios=[8.0]), "ONE_RATIO"),
        (runs(ratios=[4.0, 16.0], noise=0.001), "NO_DENSE_RUN"),
        (runs(ratios=[1.0, 2.0], noise=0.03), "GAMMA_OPEN"),
        (tuple(column[:6] for column in runs()), "TOO_FEW_RUNS"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_runs_cannot_show_is_an_outcome(given: tuple[NDArray[np.float64], ...], outcome: str) -> None:
    fit = ls.fit_moe(*given, form="constant")
    assert fit.outcome.name == outcome
    assert fit.outcome.value in str(fit)
    assert fit.usable == (outcome not in ("ONE_RATIO", "TOO_FEW_RUNS"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"active": [2e9] * 2}, "were the columns exchanged"),
        ({"loss": [2.0]}, "equal length"),
        ({"tokens": [0.0, 1e9]}, "tokens must be finite and positive"),
        ({"form": "dense"}, "form must be"),
    ],
)
def test_bad_input_is_one_line(change: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"active": [1e8] * 2, "total": [1e9] * 2, "tokens": [1e9, 2e9], "loss": [3.0, 2.9]}
    with pytest.raises(ValueError, match=message) as caught:
        ls.fit_moe(**(given | change))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


GROUPS = {"embedding": 100, "head": 50, "other": 400, "frozen_other": 20, "copies": 9}
GROUPS |= {"inactive_experts": 300, "frozen_inactive_experts": 30}


def mixed_runs(noise: float = 0.001) -> tuple[NDArray[np.float64], ...]:
    """(active, total, tokens, loss): dense runs and mixtures of 4 and 16 times their active parameters."""
    active, ratio, tokens = (v.ravel() for v in np.meshgrid([5e7, 2e8, 8e8], [1.0, 4.0, 16.0], [2e9, 8e9, 3e10]))
    scatter = np.exp(noise * np.random.default_rng(0).standard_normal(len(active)))
    return active, active * ratio, tokens, LAW.predict(active * ratio**0.6, tokens) * scatter


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = "".join(f"{n:.9g},{t:.9g},{d:.9g},{x:.9g}\n" for n, t, d, x in zip(*mixed_runs(), strict=True))
    (tmp_path / "runs.csv").write_text(f"active params,total params,tokens,loss\n{rows}")
    return tmp_path / "runs.csv"


def record(convention: str, params: int | None = None, groups: dict[str, int] = GROUPS) -> RunRecord:
    size = choose(groups, convention) if params is None else params
    return RunRecord("k", ls.Curve([1e9], [3.0], params=size), np.array([6e9 * size]), Conventions(params=convention), groups)


@pytest.mark.parametrize("convention", ["total", "non_embedding", "active", "trainable"])
def test_both_counts_follow_the_convention_of_the_run(convention: str) -> None:
    run, trained = record(convention), convention == "trainable"
    assert run.total_params - run.active_params == (300 if trained else 330)
    assert choose(GROUPS, convention) == (run.active_params if convention == "active" else run.total_params)


def test_a_given_number_is_the_nearer_of_active_and_total() -> None:
    low, high = record("given", 560), record("given", 890)
    assert (low.active_params, high.total_params) == (560, 890)
    assert low.total_params - low.active_params == high.total_params - high.active_params == 330


def test_a_dense_run_and_one_stored_before_experts_were_counted_have_one_number() -> None:
    old = json.loads(json.dumps(record("total", groups={"embedding": 100, "other": 400}).to_json()))
    run = RunRecord.from_json(old)
    assert run.active_params == run.total_params == run.params == 500


def test_a_record_of_a_mixture_prints_both() -> None:
    assert "570 active of 900" in str(record("total"))


def test_a_table_gives_both_columns_and_counts_flops_by_the_active_one(table: Path) -> None:
    read = read_table(str(table))
    np.testing.assert_allclose([read.active, read.params], mixed_runs()[:2])
    assert (read.columns["active"], read.columns["params"]) == ("active params", "total params")
    np.testing.assert_allclose([r.spent for r in records_of(read)], 6 * mixed_runs()[0] * mixed_runs()[2])


def test_a_lone_column_of_active_parameters_is_read_as_n(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("active params,tokens,loss\n1e8,1e9,3.0\n")
    read = read_table(str(tmp_path / "runs.csv"))
    assert (read.active, read.columns["params"]) == (None, "active params")


def test_a_sweep_of_several_ratios_is_fitted_as_mixtures(table: Path) -> None:
    fit = fit_runs(finished(records_of(read_table(str(table)))), resamples=0)
    assert fit.moe is not None
    assert fit.moe.gamma == pytest.approx(0.6, abs=0.05)
    assert fit.predict(fit.moe.effective(1e9, 8e9), 5e10) == pytest.approx(LAW.predict(1e9 * 8**0.6, 5e10), rel=0.01)
    assert fit.flops_per == pytest.approx(6)
    assert "effective size" in " ".join(fit.notes)
    assert "leverage" in str(fit)


def test_dense_runs_are_fitted_as_before() -> None:
    size, _, tokens, loss = (column[mixed_runs()[0] == mixed_runs()[1]] for column in mixed_runs())
    alone, beside = (fit_runs(finished_table(size, tokens, loss, active=active), resamples=0) for active in (None, size))
    assert alone.moe is beside.moe is None
    assert vars(alone.surface.surface) == vars(beside.surface.surface)


def test_one_ratio_of_experts_is_one_law_of_the_parameters_that_were_counted() -> None:
    size, _, tokens, loss = mixed_runs()
    fit = fit_runs(finished_table(8 * size, tokens, loss, active=size), resamples=0)
    assert fit.moe is None
    assert fit.flops_per == pytest.approx(6 / 8)


def test_exchanged_columns_are_one_clear_error() -> None:
    size, total, tokens, loss = mixed_runs()
    with pytest.raises(ValueError, match="were the columns exchanged"):
        finished_table(size, tokens, loss, active=total)
