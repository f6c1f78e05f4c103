"""The published laws of learning rate and batch size give the numbers that their authors and users print."""

import json

import pytest
from click.testing import CliRunner

from lightning_scaling import HYPERPARAMETER_LAWS
from lightning_scaling.cli import main


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
