"""Approaches 1, 2 and 3 and Kaplan's law on the same runs: the same truth, known biases, disagreements in words."""

from collections.abc import Callable

import numpy as np
import pytest

from lightning_scaling import Curve
from lightning_scaling.laws import Surface, compare_approaches, envelope, fit_kaplan, fit_surface, isoflops
from lightning_scaling.laws.presets.kaplan import KaplanJoint

Sweep = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]
ASYMMETRIC = Surface(1.69, 400.0, 400.0, 0.465, 0.155)


@pytest.mark.parametrize(("width", "least", "most"), [(0.5, 0.03, 0.06), (1.0, 0.15, 0.23)])
def test_parabolas_are_biased_and_the_bias_is_estimated(sweep: Sweep, width: float, least: float, most: float) -> None:
    found = isoflops(*sweep(ASYMMETRIC, width=width))
    for curve in found.curves:
        truth = ASYMMETRIC.optimum(curve.flops).params
        assert least < curve.best_params / truth - 1 < most  # wider grids are worse: arXiv 2603.22339 reports 1.7 % to 23 %
        assert curve.best_params * np.exp(-curve.bias) == pytest.approx(truth, rel=1e-6)
    assert found.unbiased is not None
    assert found.unbiased.N_exponent == pytest.approx(ASYMMETRIC.N_exponent, abs=1e-6)


def test_symmetric_exponents_and_a_centred_grid_have_no_bias(sweep: Sweep) -> None:
    found = isoflops(*sweep(Surface(1.7, 400.0, 400.0, 0.35, 0.35)))
    assert max(abs(v.bias) for v in found.curves) < 1e-6


def test_a_valley_that_is_not_there_says_so(sweep: Sweep) -> None:
    found = isoflops(*sweep(width=0.4, shift=1.5))
    assert all("outside the sizes" in v.reason or "no minimum" in v.reason for v in found.curves)
    assert found.growth is None


def test_all_approaches_find_the_exponent_on_a_noisy_sweep(sweep: Sweep) -> None:
    found = compare_approaches(*sweep(noise=0.003), resamples=200)
    answers = {row.name[0]: row for row in found.table}
    for name in "23":
        assert answers[name].N_exponent == pytest.approx(0.28 / 0.62, abs=0.02)
        assert answers[name].D_exponent == pytest.approx(1 - answers[name].N_exponent)
    assert answers["1"].N_exponent is None
    assert "no curves" in answers["1"].because


def test_where_they_disagree_the_verdict_says_why() -> None:
    # Grids whose centre moves from above the best size to below it: the bias of the parabolas changes with compute.
    budgets, centre = np.repeat(np.logspace(17, 21, 5), 15), np.repeat(np.linspace(0.6, -0.6, 5), 15)
    params = ASYMMETRIC.optimum(budgets).params * 10 ** (centre + np.tile(np.linspace(-1, 1, 15), 5))
    tokens = budgets / (6 * params)
    noise = np.exp(0.001 * np.random.default_rng(0).standard_normal(75))
    found = compare_approaches(params, tokens, ASYMMETRIC.predict(params, tokens) * noise, resamples=200)
    assert found.verdict.startswith("They disagree")
    assert "no irreducible loss" in found.verdict
    assert abs(found.isoflops.exponent_bias) > 0.01
    assert found.surface.surface.N_exponent == pytest.approx(ASYMMETRIC.N_exponent, abs=0.005)


def test_kaplans_law_is_found_again_from_its_own_points() -> None:
    law = KaplanJoint(0.076, 0.103, 6.4e13, 1.8e13)
    params, tokens = (v.ravel() for v in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 1e11, 6)))
    fit = fit_kaplan(params, tokens, law.predict(params, tokens))
    assert (fit.law.alpha_N, fit.law.alpha_D) == pytest.approx((0.076, 0.103), rel=1e-5)
    assert (fit.law.N_c, fit.law.D_c) == pytest.approx((6.4e13, 1.8e13), rel=1e-3)


def test_kaplans_optimum_is_the_lowest_loss_on_the_budget() -> None:
    law = KaplanJoint(0.076, 0.103, 6.4e13, 1.8e13)
    best = law.optimum(1e22)
    around = best.params * np.geomspace(0.5, 2, 401)
    assert law.predict(around, 1e22 / (6 * around)).min() >= best.loss - 1e-12


@pytest.mark.parametrize("budgets", [2, 3, 5])
def test_the_interval_of_the_growth_of_the_minima_holds_the_truth(budgets: int) -> None:
    law = Surface(1.7, 400, 410, 0.34, 0.28)
    compute = np.geomspace(1e18, 1e20, budgets)
    sizes = np.concatenate([law.optimum(c).params * np.geomspace(0.25, 4, 6) for c in compute])
    tokens = np.repeat(compute, 6) / (6 * sizes)
    loss = law.predict(sizes, tokens)
    surface = fit_surface(sizes, tokens, loss, resamples=0)
    exact = isoflops(sizes, tokens, loss, surface=surface).growth
    assert exact is not None
    rng, held = np.random.default_rng(0), []
    for _ in range(200):
        found = isoflops(sizes, tokens, loss * np.exp(0.005 * rng.standard_normal(len(loss))), surface=surface).growth
        assert found is not None
        low, high = found.N_exponent_interval
        held.append(low <= exact.N_exponent <= high)
    assert 0.86 <= np.mean(held) <= 0.98


EVEN_LAW = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
SIZES = np.geomspace(1e7, 1e9, 9)


def curves(lengths: tuple[float, ...] = (40.0,), lag: float = 0.0) -> list[Curve]:
    """One curve a size and length (tokens per parameter); `lag` is the relative excess far from its end."""
    made = []
    for size in SIZES:
        for ratio in lengths:
            tokens = np.geomspace(0.02 * ratio * size, ratio * size, 60)
            loss = EVEN_LAW.predict(size, tokens) * (1 + lag * (1 - tokens / tokens[-1]))
            made.append(Curve(tokens, loss, params=int(size)))
    return made


def test_the_order_of_the_curves_does_not_matter() -> None:
    given = curves()
    there, back = envelope(given), envelope(given[::-1])
    assert there.growth is not None
    assert back.growth is not None
    assert there.growth.N_exponent == back.growth.N_exponent
    assert there.growth.N_exponent_interval == back.growth.N_exponent_interval


def test_curves_that_follow_the_law_to_every_length_give_its_exponent() -> None:
    growth = envelope(curves()).growth
    assert growth is not None
    assert abs(growth.N_exponent - EVEN_LAW.N_exponent) < 0.05


def test_undecayed_learning_rates_are_stated_with_their_effect() -> None:
    found = envelope(curves((5.0, 10.0, 20.0, 40.0, 80.0), lag=0.05))
    assert "by the ends alone" in found.because
    assert "several lengths" in envelope(curves()).because


def test_sizes_too_few_to_resample_give_no_interval() -> None:
    found = envelope(curves()[::2][:4])
    assert found.growth is not None
    assert np.isnan(found.growth.N_exponent_interval).all()
