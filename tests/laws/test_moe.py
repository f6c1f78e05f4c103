"""One law for dense and mixture-of-experts models, and what it leaves open."""

import numpy as np
import pytest
from numpy.typing import NDArray

import lightning_scaling as ls
from lightning_scaling.laws import Surface

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
