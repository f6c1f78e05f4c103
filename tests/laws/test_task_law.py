"""From loss to accuracy: the published ladder's target, coverage on known sigmoids, and what runs cannot show."""

import numpy as np
import pytest
from numpy.typing import NDArray

import lightning_scaling as ls

# The ladder of Bhagia et al. 2024 (arXiv 2412.04403; logs in the repository of OLMo): params, tokens, then bits per byte and accuracy, five
# shots, at the end of each run, of HellaSwag and of PIQA. The last row is OLMo 2 13B after 5T tokens, 200 times the compute.
_TABLE = """
190354176 3812622336 .97028 .289 1.27096 .611     190354176 7619477504 .93798 .308 1.22954 .621
190354176 19041091584 .90703 .341 1.20162 .629    190354176 38076416000 .88867 .372 1.17854 .642
371262464 7430733824 .90761 .341 1.18112 .637     371262464 14856224768 .88160 .375 1.15178 .656
371262464 37131649024 .84197 .431 1.12567 .679    371262464 74258055168 .83472 .458 1.09888 .686
758220288 15174991872 .84922 .405 1.11944 .681    758220288 30339497984 .82461 .466 1.09913 .682
758220288 75833016320 .79671 .531 1.06187 .713    758220288 151655546880 .78412 .561 1.05035 .709
1279395840 25604653056 .80865 .488 1.08168 .707   1279395840 51192004608 .78847 .553 1.04701 .715
1279395840 127955632128 .76125 .610 1.01417 .731  1279395840 255895535616 .75446 .651 1.00720 .739
13202396160 5000080130048 .65577 .847 .90508 .810
"""
LADDER = np.array(_TABLE.split(), dtype=np.float64).reshape(-1, 6)
RUNS, TARGET = LADDER[:-1], LADDER[-1]


@pytest.mark.parametrize(("column", "chance", "error"), [(2, 0.25, 0.02), (4, 0.5, 0.03)], ids=["hellaswag", "piqa"])
def test_a_ladder_predicts_the_accuracy_of_two_hundred_times_its_compute(column: int, chance: float, error: float) -> None:
    loss, score = RUNS[:, column], RUNS[:, column + 1]
    found = ls.predict_larger(RUNS[:, 0], RUNS[:, 1], loss, TARGET[0], TARGET[1], task=score, chance=chance)
    assert found.low < TARGET[column] < found.high
    assert found.task is not None
    assert found.task.outcome.name == "FITTED"
    assert found.task.low < TARGET[column + 1] < found.task.high
    assert found.task.score == pytest.approx(TARGET[column + 1], abs=error)
    assert f"{found.task.score:.4g}" in str(found)
    # Step two alone, from the loss that was reached, is surer than both together.
    alone = ls.fit_task(loss, score, chance=chance).predict(TARGET[column])
    assert alone.low < TARGET[column + 1] < alone.high
    assert alone.high - alone.low < found.task.high - found.task.low


def test_runs_without_a_score_are_left_out_of_the_second_step_only() -> None:
    score = np.where(np.arange(16) % 4 == 3, np.nan, RUNS[:, 3])
    some = ls.predict_larger(RUNS[:, 0], RUNS[:, 1], RUNS[:, 2], *TARGET[:2], task=score, chance=0.25)
    every = ls.predict_larger(RUNS[:, 0], RUNS[:, 1], RUNS[:, 2], *TARGET[:2], task=RUNS[:, 3], chance=0.25)
    assert some.loss == every.loss
    assert some.task is not None
    assert every.task is not None
    assert some.task.score == pytest.approx(every.task.score, abs=0.05)


def known(seed: int, noise: float = 0.01, runs: int = 16) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Losses and accuracies on a sigmoid with ceiling .9 to 1, and the loss at which it is half way."""
    rng = np.random.default_rng(seed)
    loss, middle = np.sort(rng.uniform(2.3, 3.3, runs)), rng.uniform(2.2, 2.6)
    return loss, np.clip(sigmoid(loss, middle, seed) + noise * rng.standard_normal(runs), 0, 1), middle


def sigmoid(loss: NDArray[np.float64] | float, middle: float, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed + 10_000)
    return np.asarray(0.25 + (rng.uniform(0.9, 1.0) - 0.25) / (1 + np.exp(rng.uniform(4, 9) * (np.asarray(loss) - middle))))


def test_nine_intervals_in_ten_hold_the_accuracy_of_a_lower_loss() -> None:
    held, errors = [], []
    for seed in range(50):
        loss, score, middle = known(seed)
        truth = float(sigmoid(2.1, middle, seed)) + 0.01 * float(np.random.default_rng(seed + 7).standard_normal())
        found = ls.fit_task(loss, score, chance=0.25).predict(2.1)
        held.append(found.low <= truth <= found.high)
        errors.append(abs(found.score - truth))
    assert np.mean(held) >= 0.83
    assert np.median(errors) < 0.02


def test_the_interval_of_the_loss_widens_that_of_the_score() -> None:
    loss, score, _ = known(0)
    law = ls.fit_task(loss, score, chance=0.25)
    sure, unsure = law.predict(2.2), law.predict(2.2, 2.1, 2.5)
    assert unsure.high - unsure.low > 1.5 * (sure.high - sure.low)
    # The loss is likelier above than below: so is a lower score.
    assert sure.low - unsure.low > unsure.high - sure.high


def test_runs_at_chance_are_refused() -> None:
    rng = np.random.default_rng(0)
    loss = np.linspace(2.5, 3.5, 20)
    law = ls.fit_task(loss, 0.25 + 0.01 * rng.standard_normal(20), chance=0.25)
    assert law.outcome.name == "AT_CHANCE"
    assert not law.usable
    found = law.predict([2.0, 2.2])
    assert np.isnan(found.score).all()
    assert "chance level" in str(found)


def test_a_task_with_little_span_is_answered_with_a_wide_interval() -> None:
    loss = np.linspace(2.6, 3.4, 20)
    truth = 0.25 + 0.7 / (1 + np.exp(4 * (loss - 2.1)))
    kept = truth < 0.31
    score = truth + 0.003 * np.random.default_rng(1).standard_normal(20)
    law = ls.fit_task(loss[kept], score[kept], chance=0.25)
    assert law.outcome.name == "LITTLE_SPAN"
    found = law.predict(2.1)
    assert found.low < 0.6 < found.high
    assert found.high - found.low > 0.15


def test_a_score_that_does_not_follow_the_loss_is_refused() -> None:
    rng = np.random.default_rng(3)
    loss = np.linspace(2.5, 3.5, 20)
    assert ls.fit_task(loss, 0.5 + 0.05 * rng.standard_normal(20), chance=0.25).outcome.name == "NOT_RELATED"
    assert ls.fit_task(loss, 0.4 + 0.1 * (loss - 2.5), chance=0.25).outcome.name == "NOT_RELATED"


def test_a_loss_far_below_the_runs_is_an_outcome() -> None:
    loss, score, _ = known(4)
    law = ls.fit_task(loss, score, chance=0.25)
    assert law.predict(2.2).outcome.name == "FITTED"
    assert law.predict(1.0).outcome.name == "FAR"


def test_log_probabilities_follow_a_line() -> None:
    rng = np.random.default_rng(5)
    loss = np.linspace(2.2, 3.2, 15)
    law = ls.fit_task(loss, -0.4 - 1.3 * (loss - 2.0) + 0.01 * rng.standard_normal(15), kind="log_probability")
    found = law.predict(2.0)
    assert law.outcome.name == "FITTED"
    assert found.low < -0.4 < found.high
    assert found.score == pytest.approx(-0.4, abs=0.02)
    larger = ls.predict_larger(
        RUNS[:, 0], RUNS[:, 1], RUNS[:, 2], *TARGET[:2], task=ls.fit_task(RUNS[:, 2], -RUNS[:, 2], kind="log_probability")
    )
    assert larger.task is not None
    assert larger.task.score == pytest.approx(-larger.loss, rel=0.02)


def test_checkpoints_of_one_run_count_once() -> None:
    loss, score, _ = known(6)
    once, often = ls.fit_task(loss, score), ls.fit_task(np.repeat(loss, 9), np.repeat(score, 9), groups=np.repeat(np.arange(16), 9))
    assert often.predict(2.1).high == pytest.approx(once.predict(2.1).high, abs=1e-9)
    alone = ls.fit_task(np.repeat(loss, 9), np.repeat(score, 9)).predict(2.2)
    assert alone.high - alone.low < once.predict(2.2).high - once.predict(2.2).low


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"loss": [3.0, 2.9], "score": [0.2]}, "equal length"),
        ({"loss": [3.0, 2.9], "score": [25.0, 31.0]}, "divide percentages by 100"),
        ({"loss": [3.0], "score": [0.2], "chance": 25}, "chance is the accuracy of guessing"),
        ({"loss": [3.0], "score": [0.2], "kind": "f1"}, "kind must be"),
        ({"loss": [3.0], "score": [0.2], "groups": ["a", "b"]}, "groups must name"),
    ],
)
def test_bad_input_is_one_line(given: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        ls.fit_task(**given)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_too_few_runs_are_an_outcome() -> None:
    assert ls.fit_task([3.0, 2.9, 2.8], [0.25, 0.3, 0.35]).outcome.name == "TOO_FEW_RUNS"
    assert ls.fit_task([], []).outcome.name == "TOO_FEW_RUNS"
