"""What a surface fit says when the points cannot tell, and what it refuses."""

import numpy as np
import pytest

from lightning_scaling.laws import Surface, fit_surface

LAW = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
SIZES, LENGTHS = np.geomspace(1e8, 1e10, 6), np.geomspace(1e9, 1e11, 6)


def fitted(params: np.ndarray, tokens: np.ndarray, noise: float = 0.003, law: Surface = LAW) -> str:
    params, tokens = (v.ravel() for v in np.broadcast_arrays(params, tokens))
    loss = law.predict(params, tokens) * np.exp(noise * np.random.default_rng(0).standard_normal(len(params)))
    return fit_surface(params, tokens, loss).outcome.name


@pytest.mark.parametrize(
    ("params", "tokens", "outcome"),
    [
        (SIZES[:, None], LENGTHS, "IDENTIFIED"),
        (SIZES, 20 * SIZES, "ONE_RATIO"),
        (np.full(8, 1e9), np.geomspace(1e9, 1e11, 8), "PARAMS_NOT_IDENTIFIED"),
        (np.array([[1e9], [1.3e9]]), LENGTHS, "PARAMS_NOT_IDENTIFIED"),
        (np.geomspace(1e8, 1e10, 8), np.full(8, 1e10), "TOKENS_NOT_IDENTIFIED"),
        (SIZES[:, None], np.array([1e10, 1.2e10]), "TOKENS_NOT_IDENTIFIED"),
        (SIZES[:4], LENGTHS[:4] * 3, "TOO_FEW_POINTS"),
    ],
)
def test_the_outcome_names_what_the_points_cannot_tell(params: np.ndarray, tokens: np.ndarray, outcome: str) -> None:
    assert fitted(params, tokens) == outcome


def test_points_without_a_floor_say_so() -> None:
    assert fitted(SIZES[:, None], LENGTHS, 0.0, Surface(1e-12, 406.4, 410.7, 0.34, 0.28)) == "FLOOR_AT_ZERO"


def test_too_few_points_are_an_outcome_with_no_numbers() -> None:
    fit = fit_surface(SIZES[:4], LENGTHS[:4], [4, 3.5, 3, 2.8], resamples=10)
    assert np.isnan([fit.E, fit.A, fit.B, fit.alpha, fit.beta]).all()
    assert "six runs" in str(fit.outcome)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loss": [np.nan, 3, 3, 3, 3, 3]}, "loss must be finite and positive; point 0 is nan"),
        ({"params": [1e8, -1, 1e8, 1e8, 1e8, 1e8]}, "params must be finite and positive; point 1"),
        ({"tokens": [1e9] * 5}, "equal length"),
        ({"groups": ["a"] * 5}, "5 names for 6 points"),
        ({"weights": [1, 1, 1, 1, 1, -1]}, "not negative"),
        ({"objective": "mean"}, "objective must be"),
    ],
)
def test_misuse_is_one_clear_line(change: dict[str, object], message: str) -> None:
    right = {"params": [1e8] * 6, "tokens": [1e9] * 6, "loss": [3.0] * 6}
    with pytest.raises(ValueError, match=message):
        fit_surface(**(right | change))  # type: ignore[arg-type]
