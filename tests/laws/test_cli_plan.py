"""`lightning-scaling plan` answers C = 6ND at once, and refuses in one line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lightning_scaling.cli import main
from lightning_scaling.laws import Surface, SweepDesign, fit_surface, save, simulate_runs


def plan(*args: str) -> str:
    result = CliRunner().invoke(main, ["plan", *args], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_thousand_params_on_a_billion_tokens() -> None:
    assert "6e12 FLOPs = 6.94e-8 PF-days" in plan("--params", "1e3", "--tokens", "1e9")


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


@pytest.mark.parametrize(("given", "quantity", "value"), [(("--params", "7B"), "params", 7e9), (("--tokens", "300B"), "tokens", 3e11)])
def test_one_quantity_alone_is_answered_with_the_budget_it_is_best_for(given: tuple[str, ...], quantity: str, value: float) -> None:
    answer = json.loads(plan(*given, "--law", "hoffmann2022", "--law", "deepseek2024", "--json"))
    for row in answer["laws"]:
        assert row[quantity] == pytest.approx(value, rel=1e-9)
        again = json.loads(plan("--flops", repr(row["flops"]), "--law", row["law"], "--json"))["laws"][0]
        assert again[quantity] == pytest.approx(value, rel=1e-6)


def test_accelerators_days_and_utilisation_are_a_budget() -> None:
    answer = json.loads(plan("--gpus", "8", "--gpu", "H100", "--days", "3", "--mfu", ".4", "--json"))
    assert answer["flops"] == pytest.approx(8 * 989.4e12 * 3 * 86_400 * 0.4)
    assert "datasheet" in answer["machine"]["source"]


@pytest.mark.parametrize(
    ("typed", "flops"),
    [("1e23", 1e23), ("1e23 FLOPs", 1e23), ("3.3 PF-days", 3.3 * 8.64e19), ("100 ZFLOPs", 1e23), ("7×10^19", 7e19), ("10²³", 1e23)],
)
def test_compute_is_read_as_people_type_it(typed: str, flops: float) -> None:
    assert json.loads(plan("--flops", typed, "--json"))["flops"] == pytest.approx(flops, rel=1e-12)


def test_laws_shown_by_default_that_cannot_use_an_option_are_named_as_left_out() -> None:
    answer = json.loads(plan("--flops", "1e22", "--served", "1e12", "--json"))
    assert all("served" in row for row in answer["laws"])
    assert "deepseek2024" in [each["law"] for each in answer["left_out"]]


def test_repeated_data_move_the_best_split_of_a_budget() -> None:
    fresh, repeated = (
        json.loads(plan("--flops", "1e22", "--law", "muennighoff2023", "--json", *more))["laws"][0]
        for more in ((), ("--unique-tokens", "1e10"))
    )
    assert repeated["params"] < fresh["params"]
    assert repeated["loss"] > fresh["loss"]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "give a model size"),
        (["--params", "-7", "--tokens", "1e9"], "--params must be a positive number"),
        (["--params", "many", "--tokens", "1e9"], "--params must be a positive number"),
        (["--params", "1e9", "--tokens", "1e9", "--flops", "1e18"], "one equation"),
        (["--flops", "1e18", "--pf-days", "1"], "budget once"),
        (["--flops", "1e18", "--law", "gpt4"], "no constants"),
        (["--flops", "1e18", "--law", "nobody2020"], "no published law"),
        (["--flops", "1e18", "--law", "hofmann2022"], "did you mean hoffmann2022?"),
        (["--flops", "5 bananas"], "--flops must be a positive amount of compute"),
        (["--flops", "1e18", "--law", "deepseek2024", "--served", "1e12"], "deepseek2024 cannot use --served"),
        (["--flops", "1e18", "--law", "llama3_2024", "--unique-tokens", "1e9"], "llama3_2024 cannot use --unique-tokens"),
        (["--params", "7e9", "--tokens", "1e12", "--served", "1e12"], "name one"),
        (["--params", "7e9", "--unique-tokens", "1e9"], "give the budget"),
        (["--gpus", "8", "--gpu", "h100"], "--days is missing"),
        (["--gpus", "8", "--gpu", "h101", "--days", "3"], "did you mean h100?"),
        (["--gpus", "8", "--gpu", "h100", "--days", "3", "--mfu", "40"], "between 0 and 1"),
        (["--gpus", "8", "--gpu", "h100", "--days", "3", "--flops", "1e21"], "budget once"),
        (["--flops", "1e21", "--mfu", ".4"], "belong to a number of accelerators"),
        (["--flops", "1e18", "--law", "missing.json"], "cannot read the law"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(args: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["plan", *args])
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_plan_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom lightning_scaling.cli import main\n"
        "try: main(['plan', '--flops', '5.76e23', '--law', 'all', '--served', '1e12'])\nexcept SystemExit: pass\n"
        "print('HEAVY', sorted(m for m in ('torch', 'lightning', 'mlflow', 'pandas', 'scipy', 'matplotlib') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stdout


@pytest.mark.parametrize("args", [("--params", "7"), ("--tokens", "300")])
def test_a_size_or_length_that_was_meant_in_billions_is_asked_about(args: tuple[str, str]) -> None:
    result = CliRunner().invoke(main, ["plan", *args])
    assert result.exit_code == 2
    assert "is this in billions?" in result.output


def test_compute_is_another_name_of_the_budget() -> None:
    assert plan("--compute", "1e23 FLOPs", "--law", "hoffmann2022") == plan("--flops", "1e23", "--law", "hoffmann2022")


def test_a_law_of_own_runs_gives_the_range_of_its_loss_and_what_would_shorten_the_distance(tmp_path: Path) -> None:
    runs = simulate_runs(Surface(1.69, 406.4, 410.7, 0.34, 0.28), SweepDesign.isoflops(np.geomspace(1e17, 1e19, 4), 5))
    save(fit_surface(runs.params, runs.tokens, runs.loss, resamples=100, seed=0), tmp_path / "law.json")
    own, published = (plan("--flops", "1e21", "--law", law) for law in (str(tmp_path / "law.json"), "besiroglu2024"))
    assert "100 times the largest compute fitted on" in own
    assert "to shorten the distance: one run of" in own
    assert "shorten" not in published
    row = json.loads(plan("--flops", "1e21", "--law", str(tmp_path / "law.json"), "--json"))["laws"][0]
    low, high = row["loss_interval"]
    assert row["expected"]["high"] - row["expected"]["low"] > high - low
