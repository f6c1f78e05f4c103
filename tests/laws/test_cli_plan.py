"""`lightning-scaling plan` answers C = 6ND at once, and refuses in one line."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from lightning_scaling.cli import main


def plan(*args: str) -> str:
    result = CliRunner().invoke(main, ["plan", *args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_thousand_params_on_a_billion_tokens() -> None:
    assert "6e+12 FLOPs = 6.94e-08 PF-days" in plan("--params", "1e3", "--tokens", "1e9")


def test_baichuans_arithmetic() -> None:
    assert "2.38T tokens" in plan("--flops", "1e23", "--params", "7e9")
    assert "2.38T tokens" in plan("--flops", "1e23", "--params", "7B")


def test_flops_stay_exact_integers() -> None:
    answer = json.loads(plan("--params", "123456789", "--tokens", "987654321987", "--json"))
    assert answer["flops"] == 6 * 123456789 * 987654321987


def test_several_laws_stand_in_one_table() -> None:
    answer = json.loads(plan("--flops", "5.76e23", "--law", "hoffmann2022", "--law", "besiroglu2024", "--json"))
    assert [row["law"] for row in answer["laws"]] == ["hoffmann2022", "besiroglu2024"]
    assert answer["laws"][0]["params"] == pytest.approx(4.04e10, rel=2e-3)
    text = plan("--flops", "5.76e23", "--law", "all")
    assert all(name in text for name in ("palm2_2023", "deepseek2024", "not verified", "multi_power_400m"))


def test_a_budget_in_pf_days_is_the_same_budget() -> None:
    one, two = (json.loads(plan(*args, "--json")) for args in (("--pf-days", "10"), ("--flops", "8.64e20")))
    assert one["laws"] == two["laws"]


def test_served_tokens_make_the_model_smaller() -> None:
    row = json.loads(plan("--flops", "1e23", "--law", "hoffmann2022", "--served", "1e13", "--json"))["laws"][0]
    assert row["served"]["params"] < row["params"]
    assert row["served"]["tokens"] > row["tokens"]


def test_repeated_data_raise_the_expected_loss() -> None:
    plain, repeated = (
        json.loads(plan("--params", "7e9", "--tokens", "1e12", "--law", "muennighoff2023", "--json", *more))["laws"][0]["planned_loss"]
        for more in ((), ("--unique-tokens", "1e11"))
    )
    assert repeated > plain == pytest.approx(2.132, abs=6e-4)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--params", "7e9"], "give two of"),
        (["--params", "-7", "--tokens", "1e9"], "--params must be a positive number"),
        (["--params", "many", "--tokens", "1e9"], "--params must be a positive number"),
        (["--params", "1e9", "--tokens", "1e9", "--flops", "1e18"], "say the same thing twice"),
        (["--flops", "1e18", "--pf-days", "1"], "budget once"),
        (["--flops", "1e18", "--law", "gpt4"], "no constants"),
        (["--flops", "1e18", "--law", "nobody2020"], "no published law"),
        (["--flops", "1e18", "--law", "missing.json"], "cannot read the law"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(args: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["plan", *args])
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_plan_answers_in_half_a_second_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom lightning_scaling.cli import main\n"
        "try: main(['plan', '--flops', '5.76e23', '--law', 'all', '--served', '1e12'])\nexcept SystemExit: pass\n"
        "print('HEAVY', sorted(m for m in ('torch', 'lightning', 'mlflow', 'pandas', 'scipy', 'matplotlib') if m in sys.modules))"
    )
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = os.times()
    assert "HEAVY []" in done.stdout
    assert after.children_user - before.children_user < 0.5  # .2 s; processor time, so that a busy machine does not fail it
