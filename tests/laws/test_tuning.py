"""Published laws of learning rate and batch size, and one's own: the best rate and batch of a sweep, and how they grow."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

import lightning_scaling as ls
from lightning_scaling import HYPERPARAMETER_LAWS
from lightning_scaling.cli import main
from lightning_scaling.laws.tuning.hyperparameter_fit import HyperparameterFit

# N 429M on 50B tokens of the dense sweep of Li et al. 2025 (arXiv 2503.04715, published with it): rate, batch in sequences of 2048, loss.
STEP_LAW = """
.005524 736 2.27788  .002762 736 2.26678  .0004883 1024 2.30701  .003906 2048 2.31288  .002762 32 2.38041  .0009766 352 2.26872
.0009766 192 2.26558  .007812 192 2.31138  .007812 736 2.28988  .005524 256 2.27935  .001381 736 2.27532  .0002441 192 2.29374
.0004883 64 2.28611  .0009766 32 2.32913  .001953 1024 2.27475  .003906 32 2.42239  .0003453 192 2.28393  .007812 64 2.40412
.001953 512 2.26382  .003906 64 2.33076  .001953 192 2.26272  .005524 32 2.47451  .001381 32 2.34143  .01105 64 2.42625
.002762 2048 2.31278  .0002441 512 2.31300  .003906 1024 2.28094  .0004883 192 2.27615  .0002441 256 2.29789  .003906 256 2.26376
.001381 2048 2.30680  .0003453 512 2.29932  .0004883 32 2.31801
"""


def sweep(
    sizes: list[float], lengths: list[float], noise: float = 0.001, seed: int = 0, lowest: float = 1e-4, batches: int = 7
) -> NDArray[np.float64]:
    """(5, n) runs whose best rate and batch follow Step Law with a scatter of a tenth, steeper where the rate is too high."""
    rng, parts = np.random.default_rng(seed), []
    for N in sizes:
        for D in lengths:
            best = np.array([1.79 * N**-0.713 * D**0.307, 0.58 * D**0.571]) * np.exp(0.1 * rng.standard_normal(2))
            rate, batch = (v.ravel() for v in np.meshgrid(np.geomspace(lowest, 2e-2, 10), np.geomspace(3e4, 4e6, batches)))
            x, y = np.log(rate / best[0]), np.log(batch / best[1])
            excess = 0.007 * x**2 - 0.006 * x * y + 0.007 * y**2 + 0.0012 * np.maximum(x, 0) ** 3 + noise * rng.standard_normal(len(x))
            parts.append(np.stack([np.full_like(x, N), np.full_like(x, D), rate, batch, 2.4 * (4e8 / N) ** 0.05 * np.exp(excess)]))
    return np.concatenate(parts, axis=1)


def fit(runs: NDArray[np.float64]) -> HyperparameterFit:
    return ls.fit_hyperparameters(*runs)


SIZES, LENGTHS = [1e8, 2e8, 4e8, 8e8], [2e9, 8e9, 3.2e10]


def test_the_optimum_of_a_published_sweep_lies_beside_its_best_run() -> None:
    rate, batch, loss = np.array(STEP_LAW.split(), dtype=float).reshape(-1, 3).T
    (found,) = ls.fit_hyperparameters(np.full(33, 429260800), np.full(33, 5e10), rate, 2048 * batch, loss).optima
    assert found.enclosed
    assert 0.00138 < found.learning_rate < 0.00277  # the neighbours of the best run's .00195
    assert 192 * 2048 < found.batch_tokens < 512 * 2048
    assert found.loss == pytest.approx(loss.min(), rel=2.5e-3)
    law = ls.HYPERPARAMETER_LAWS["steplaw2025"].at(429260800, 5e10)
    assert abs(np.log(found.batch_tokens / law.batch_tokens)) < 0.35
    assert abs(np.log(found.learning_rate / law.learning_rate)) < 0.5


def test_the_exponents_of_step_law_come_out_of_a_sweep_that_follows_it() -> None:
    found = fit(sweep(SIZES, LENGTHS))
    assert found.learning_rate.outcome.name == found.batch_tokens.outcome.name == "IDENTIFIED"
    assert found.learning_rate.params_exponent == pytest.approx(-0.713, abs=0.08)
    assert found.learning_rate.tokens_exponent == pytest.approx(0.307, abs=0.06)
    assert found.batch_tokens.tokens_exponent == pytest.approx(0.571, abs=0.06)
    assert found.learning_rate.scatter == pytest.approx(0.1, abs=0.06)


def test_nine_intervals_in_ten_hold_the_exponents() -> None:
    held = []
    for seed in range(60):
        found = fit(sweep(SIZES, LENGTHS, seed=seed))
        for law, truth in ((found.learning_rate, (-0.713, 0.307)), (found.batch_tokens, (0.0, 0.571))):
            edges = (law.intervals["params_exponent"], law.intervals["tokens_exponent"])
            held += [low <= value <= high for (low, high), value in zip(edges, truth, strict=True)]
    assert 0.83 <= np.mean(held) <= 0.97


def test_the_best_values_of_a_larger_run_lie_in_their_intervals() -> None:
    held = []
    for seed in range(40):
        found, truth = fit(sweep(SIZES, LENGTHS, seed=seed)), (1.79 * 2e9**-0.713 * 8e10**0.307, 0.58 * 8e10**0.571)
        for law, value in zip((found.learning_rate, found.batch_tokens), truth, strict=True):
            _, low, high = law.at(2e9, 8e10)
            held.append(low <= value <= high)
    assert np.mean(held) >= 0.85


@pytest.mark.parametrize(("window", "side", "sign"), [((2e-3, 2e-2), "low", "≤ "), ((1e-5, 2e-4), "high", "≥ ")])
def test_a_sweep_that_ends_before_its_best_rate_gives_a_bound(window: tuple[float, float], side: str, sign: str) -> None:
    runs = sweep([4e8], [8e9])
    kept = (runs[2] >= window[0]) & (runs[2] <= window[1])
    wide = runs[:, kept] if side == "low" else _shifted(runs)
    found = fit(wide)
    assert found.optima[0].rate_side == side
    assert not found.optima[0].enclosed
    assert found.learning_rate.bounds == 1
    assert sign in str(found)


def _shifted(runs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same losses at a tenth of the rates, without those past the best."""
    kept = runs[2] < 9e-4
    return runs[:, kept] * np.array([[1], [1], [0.1], [1], [1]])


def test_half_of_the_sweeps_at_an_edge_is_an_outcome() -> None:
    inside, runs = sweep(SIZES, LENGTHS), sweep(SIZES, [4e9, 1.6e10, 6.4e10], lowest=1e-4)
    cut = runs[:, runs[2] > 2.5e-3]
    found = fit(np.concatenate([inside, cut], axis=1))
    assert found.learning_rate.bounds >= 9
    assert found.learning_rate.optima >= 12
    few = fit(np.concatenate([inside[:, inside[0] < 3e8], cut], axis=1))
    assert few.learning_rate.outcome.name == "AT_EDGE"


@pytest.mark.parametrize(
    ("runs", "outcome"),
    [
        (sweep([4e8], [2e9, 4e9, 8e9, 1.6e10, 3.2e10]), "ONE_SIZE"),
        (sweep([1e8, 2e8, 4e8, 8e8], [8e9]), "ONE_LENGTH"),
        (np.concatenate([sweep([n], [20 * n], seed=int(n)) for n in (1e8, 2e8, 4e8, 8e8, 1.2e9)], axis=1), "ONE_RATIO"),
        (sweep([1e8, 1.6e8], [2e9, 3.2e9], noise=0.02), "TOO_FEW_OPTIMA"),
        (np.concatenate([sweep([n], [20 * n * f], 0.004, seed=int(n)) for n, f in ((1e8, 1), (2e8, 1), (4e8, 1), (8e8, 1), (8e8, 1.6))],
                        axis=1), "EXPONENTS_OPEN"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_the_sweeps_cannot_show_is_an_outcome(runs: NDArray[np.float64], outcome: str) -> None:
    found = fit(runs)
    assert found.outcome.name == outcome
    assert found.outcome.value in str(found)
    if outcome == "ONE_SIZE":
        assert np.isnan(found.learning_rate.params_exponent)
        assert found.learning_rate.tokens_exponent == pytest.approx(0.307, abs=0.15)
    if outcome == "ONE_RATIO":
        assert found.learning_rate.params_exponent == pytest.approx(0.307 - 0.713, abs=0.15)


def test_a_rate_alone_can_be_swept() -> None:
    runs = sweep(SIZES, LENGTHS)
    # One batch, in the middle of all.
    one = runs[:, runs[3] == np.unique(runs[3])[3]]
    found = fit(one)
    assert found.learning_rate.usable
    assert not found.batch_tokens.usable
    assert found.batch_tokens.outcome.name == "TOO_FEW_OPTIMA"


def test_runs_that_diverged_are_left_out() -> None:
    runs = sweep(SIZES, LENGTHS)
    diverged = runs.copy()
    diverged[4, runs[2] > 1e-2] = np.nan
    assert fit(diverged).learning_rate.params_exponent == pytest.approx(fit(runs).learning_rate.params_exponent, abs=0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": [0.0, 1e-3]}, "learning_rate must be finite and positive"),
        ({"loss": [2.0]}, "equal length"),
        ({"level": 1.5}, "level"),
    ],
)
def test_bad_input_is_one_line(change: dict[str, object], message: str) -> None:
    given: dict[str, object] = {"params": [1e8, 1e8], "tokens": [2e9, 2e9], "learning_rate": [1e-3, 2e-3], "batch_tokens": [1e5, 1e5]}
    with pytest.raises(ValueError, match=message) as caught:
        ls.fit_hyperparameters(**(given | {"loss": [2.0, 2.1]} | change))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("flops", "rate", "sequences"), [(8.4e22, 4.2e-4, 2304), (8.04e23, 3.2e-4, 4608)])
def test_deepseek_trained_its_models_by_its_law(flops: float, rate: float, sequences: int) -> None:
    # DeepSeek LLM 2024, table 2: 7B and 67B on 2T tokens, sequences of 4096 tokens.
    found = HYPERPARAMETER_LAWS["deepseek2024"].at(flops=flops)
    assert found.learning_rate == pytest.approx(rate, rel=0.02)
    assert found.batch_tokens == pytest.approx(sequences * 4096, rel=0.03)


@pytest.mark.parametrize(("params", "rate"), [(0.44e9, 1.4e-3), (3.65e9, 3.2e-4)])
def test_step_law_gives_the_rates_that_its_users_print(params: float, rate: float) -> None:
    # Learning rates that OLMo-core's long-context configurations derive from it for 10B tokens.
    assert HYPERPARAMETER_LAWS["steplaw2025"].at(params, 1e10).learning_rate == pytest.approx(rate, rel=0.04)


def test_porians_batch_is_the_same_in_tokens_and_in_sequences() -> None:
    law = HYPERPARAMETER_LAWS["porian2024"].at(params=1e8)
    assert law.batch_tokens == pytest.approx(2048 * 0.00037 * 1e8**0.703, rel=2e-3)


def test_a_law_of_size_needs_the_size_and_one_of_compute_the_compute() -> None:
    known = {name: law.at(tokens=1e11) for name, law in HYPERPARAMETER_LAWS.items()}
    assert known["steplaw2025"].learning_rate is None
    assert known["steplaw2025"].batch_tokens == pytest.approx(0.58 * 1e11**0.571)
    assert known["deepseek2024"].learning_rate is None
    assert known["porian2024"].batch_tokens is None


def plan(*args: str) -> str:
    result = CliRunner().invoke(main, ["plan", *args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_budget_is_answered_with_size_tokens_rate_and_batch() -> None:
    row = json.loads(plan("--flops", "1e21", "--law", "besiroglu2024", "--json"))["laws"][0]
    given = row["hyperparameters"]["steplaw2025"]
    assert given["learning_rate"] == pytest.approx(1.79 * row["params"] ** -0.713 * row["tokens"] ** 0.307)
    assert given["batch_tokens"] == pytest.approx(0.58 * row["tokens"] ** 0.571)
    assert given["extrapolated"] is True
    text = plan("--flops", "1e21", "--law", "besiroglu2024")
    assert all(part in text for part in ("6.73e-4*", "827k*", "7.39e-4*", "2.16M*", "outside the sizes"))


def test_a_plan_of_its_own_gets_rate_and_batch_without_any_law_of_size() -> None:
    answer = json.loads(plan("--params", "400M", "--tokens", "8B", "--json"))
    assert answer["hyperparameters"]["steplaw2025"] == {
        "learning_rate": pytest.approx(1.79 * 4e8**-0.713 * 8e9**0.307),
        "batch_tokens": pytest.approx(0.58 * 8e9**0.571),
        "extrapolated": False,
    }
    assert "this plan" in plan("--params", "400M", "--tokens", "8B")
