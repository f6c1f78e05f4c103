"""The loss of larger runs from smaller ones: close on known laws, honest in its interval, in words where it cannot say."""

from collections.abc import Callable

import numpy as np
import pytest

from lightning_scaling.laws import Surface, fit_surface, predict_larger

Sweep = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]


def split(points: tuple[np.ndarray, ...], factor: float = 10.0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    small = points[0] * points[1] <= (points[0] * points[1]).max() / factor
    return [v[small] for v in points], [v[~small] for v in points]


@pytest.mark.parametrize("noise", [0.0002, 0.005])
def test_clean_sweeps_are_foretold_nearly_as_well_as_by_the_true_form(sweep: Sweep, noise: float) -> None:
    errors = []
    for seed in range(6):
        seen, held = split(sweep(noise=noise, seed=seed))
        errors.append(np.abs(predict_larger(*seen, held[0], held[1]).loss / held[2] - 1).mean())
    assert np.mean(errors) < 2.0 * noise


def test_a_drifting_law_is_foretold_better_than_by_the_surface(sweep: Sweep) -> None:
    ours, plain, inside = [], [], []
    for seed in range(5):
        params, tokens, loss = sweep(noise=0.003, seed=seed)
        drift = np.log(params * tokens)
        loss = loss * np.exp(0.0005 * (drift - drift.mean()) ** 2)  # crippled small runs, a tired law at large compute
        seen, held = split((params, tokens, loss))
        p = predict_larger(*seen, held[0], held[1])
        ours.append(np.abs(p.loss / held[2] - 1).mean())
        plain.append(np.abs(fit_surface(*seen).predict(held[0], held[1]) / held[2] - 1).mean())
        inside.append(np.mean((p.low <= held[2]) & (held[2] <= p.high)))
    assert np.mean(ours) < 0.85 * np.mean(plain)
    assert np.mean(inside) > 0.8


def test_units_do_not_matter(sweep: Sweep) -> None:
    seen, held = split(sweep(noise=0.005))
    plain = predict_larger(*seen, held[0], held[1])
    scaled = predict_larger(seen[0] * 1e-9, seen[1] * 1e-6, seen[2] * 1.4427, held[0] * 1e-9, held[1] * 1e-6)
    assert scaled.loss == pytest.approx(plain.loss * 1.4427, rel=1e-7)
    assert scaled.high == pytest.approx(plain.high * 1.4427, rel=1e-7)


def test_the_interval_grows_with_the_distance_and_with_the_level(sweep: Sweep) -> None:
    seen, _ = split(sweep(noise=0.005))
    p = predict_larger(*seen, np.array([1e9, 1e10, 1e11]), np.array([2e10, 2e11, 2e12]))
    assert (np.diff(np.log(p.high / p.low)) > 0).all()
    wide = predict_larger(*seen, 1e10, 2e11, level=0.99)
    narrow = predict_larger(*seen, 1e10, 2e11, level=0.5)
    assert wide.low < narrow.low < narrow.loss < narrow.high < wide.high


def test_one_crippled_run_hardly_moves_the_prediction(sweep: Sweep) -> None:
    seen, held = split(sweep(noise=0.005))
    before = predict_larger(*seen, held[0], held[1]).loss
    seen[2] = seen[2].copy()
    seen[2][np.argmax(seen[0] * seen[1])] *= 1.3
    assert np.abs(predict_larger(*seen, held[0], held[1]).loss / before - 1).max() < 0.01


def test_logging_each_run_four_times_does_not_make_it_surer(sweep: Sweep) -> None:
    seen, _ = split(sweep(noise=0.005))
    once = predict_larger(*seen, 1e10, 2e11)
    often = [np.repeat(v, 4) for v in seen]
    fourfold = predict_larger(*often, 1e10, 2e11, groups=np.repeat(np.arange(len(seen[0])), 4))
    assert fourfold.high - fourfold.low > 0.7 * (once.high - once.low)


def test_five_rungs_at_one_ratio_foretell_the_sixth() -> None:
    params = np.array([13e3, 27e3, 46e3, 72e3, 103e3])
    law = Surface(0.6, 12.0, 20.0, 0.28, 0.24)
    p = predict_larger(params, 30 * params, law.predict(params, 30 * params), 164e3, 30 * 164e3)
    assert p.loss == pytest.approx(law.predict(164e3, 30 * 164e3), rel=0.02)
    assert isinstance(p.loss, float)
    assert p.factor == pytest.approx((164 / 103) ** 2)


@pytest.mark.parametrize(("scale", "outcome"), [(0.1, "INSIDE"), (3, "PREDICTED"), (1000, "FAR")])
def test_the_outcome_says_how_far_it_reaches(sweep: Sweep, scale: float, outcome: str) -> None:
    params, tokens, loss = sweep(noise=0.002)
    top = np.argmax(params * tokens * (np.abs(np.log(tokens / params / 20)) < 1))
    assert predict_larger(params, tokens, loss, params[top] * scale, tokens[top]).outcome.name == outcome


def test_three_runs_are_too_few_to_say() -> None:
    p = predict_larger([1e8, 2e8, 3e8], [1e9, 2e9, 3e9], [4.0, 3.5, 3.3], 1e9, 1e10)
    assert p.outcome.name == "TOO_FEW_POINTS"
    assert np.isnan(p.loss)


@pytest.mark.parametrize(("at", "level"), [((0.0, 1e9), 0.9), ((1e9, np.inf), 0.9), ((1e9, 1e10), 1.0)])
def test_misuse_is_refused(sweep: Sweep, at: tuple[float, float], level: float) -> None:
    with pytest.raises(ValueError, match=r"must be finite and positive|level must lie"):
        predict_larger(*sweep(), *at, level=level)
