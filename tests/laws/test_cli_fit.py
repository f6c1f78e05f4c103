"""`lightning-scaling fit` from a table of runs to a law, a backtest, the next runs."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lightning_scaling.cli import main

Sweep = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]


def invoke(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["fit", *args])
    return result.exit_code, result.output


@pytest.fixture
def runs(sweep: Sweep, tmp_path: Path) -> Path:
    rows = zip(*sweep(noise=0.003), strict=True)
    (tmp_path / "runs.csv").write_text("N_params,Tokens,val_loss\n" + "".join(f"{n:.9g},{d:.9g},{loss:.9g}\n" for n, d, loss in rows))
    return tmp_path / "runs.csv"


def test_the_law_of_a_table_in_words(runs: Path) -> None:
    code, text = invoke(str(runs), "--resamples", "100")
    assert code == 0
    assert "75 runs; " in text
    assert "best use of" in text


def test_json_is_one_document_with_everything_asked_for(runs: Path, tmp_path: Path) -> None:
    asked = ["--resamples", "60", "--backtest", "--next-budget", "1e21", "--target", "1e23", "--approaches", "--flops", "1e22", "--json"]
    code, text = invoke(str(runs), *asked, "--save", str(tmp_path / "law.json"))
    assert code == 0
    found = json.loads(text)
    assert found["constants"]["alpha"] == pytest.approx(0.34, abs=0.01)
    low, high = found["intervals"]["alpha"]
    assert low < found["constants"]["alpha"] < high
    assert found["backtest"]["held_out"][0]["factor"] > 1
    assert sum(run["flops"] for run in found["next_runs"]["runs"]) <= 1.01e21
    assert found["optima"][0]["params"] == pytest.approx(found["optima"][0]["flops"] / 6 / found["optima"][0]["tokens"])
    assert len(found["approaches"]["table"]) == 4


def test_a_saved_law_enters_a_plan_beside_published_ones(runs: Path, tmp_path: Path) -> None:
    invoke(str(runs), "--resamples", "60", "--save", str(tmp_path / "law.json"))
    result = CliRunner().invoke(main, ["plan", "--flops", "1e22", "--law", str(tmp_path / "law.json"), "--law", "besiroglu2024", "--json"])
    own, published = json.loads(result.output)["laws"]
    assert own["params_interval"][0] < own["params"] < own["params_interval"][1]
    assert published["provenance"].startswith("read in")


def test_flops_stand_in_for_tokens_and_a_run_column_groups_points(sweep: Sweep, tmp_path: Path) -> None:
    params, tokens, loss = sweep(noise=0.003)
    rows = [f"{n:.12g};{6 * n * d:.12g};{x:.12g};run{i // 2}" for i, (n, d, x) in enumerate(zip(params, tokens, loss, strict=True))]
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(["params;compute;loss;run", *rows]))
    code, text = invoke(str(path), "--json", "--resamples", "50")
    assert code == 0
    found = json.loads(text)
    assert found["procedure"]["by_run"] is True
    assert found["constants"]["beta"] == pytest.approx(0.28, abs=0.01)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("params,tokens\n1e8,1e9\n", "no column for loss"),
        ("a,b,c\n1,2,3\n", "no column for params"),
        ("params,tokens,loss\n", "has no runs"),
        ("", "has no runs"),
        ("params,tokens,loss\n1e8,1e9,nan\n", "loss must be a positive number, got 'nan'"),
        ("params,tokens,loss\n1e8,1e9\n", "has no runs"),
    ],
)
def test_a_table_that_cannot_be_read_is_one_clear_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "runs.csv").write_text(content)
    code, text = invoke(str(tmp_path / "runs.csv"))
    assert code == 2
    assert message in text
    assert len(text.strip().splitlines()) == 1


def test_three_runs_are_an_outcome_in_words_and_in_json(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("params,tokens,loss\n1M,1B,4.0\n2M,2B,3.7\n4M,4B,3.5\n")
    code, text = invoke(str(tmp_path / "runs.csv"), "--json")
    assert (code, json.loads(text)["outcome"]) == (0, "TOO_FEW_POINTS")
    assert "at least six runs" in invoke(str(tmp_path / "runs.csv"))[1]


@pytest.mark.parametrize("args", [[], ["missing.csv"], ["x.csv", "--store", "sqlite:///x.db"], ["--store", "sqlite:///nowhere/x.db"]])
def test_what_cannot_be_found_is_exit_code_two(args: list[str]) -> None:
    code, text = invoke(*args)
    assert code == 2
    assert len(text.strip().splitlines()) == 1


def test_a_table_in_billions_without_the_unit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("params,tokens,loss\n1,20,2.6\n3,60,2.4\n7,140,2.3\n")
    code, text = invoke(str(tmp_path / "runs.csv"))
    assert code == 2
    assert "'params (B)' for billions" in text


def test_options_that_cannot_be_used_are_refused(runs: Path) -> None:
    for args, message in (
        (["--target", "1e22"], "give --next-budget"),
        (["--include-unfinished"], "runs of a store"),
        (["--flops", "lots"], "--flops must be"),
        (["--factor", "5"], "give --backtest with it"),
        (["--level", "90"], "between 0 and 1"),
        (["--level", ".999", "--resamples", "3"], "takes 2000 resamples or more"),
        (["--tokens-per-step", "5"], "reads logs of training"),
        (["--lr-column", "lr"], "reads logs of training"),
        (["--step-column", "step"], "reads logs of training"),
        (["--params", "7B"], "reads logs of training"),
        (["--family", "x"], "reads logs of training"),
        (["--run", "x"], "reads logs of training"),
        (["--at-params", "7", "--at-tokens", "140B"], "is this in billions?"),
    ):
        code, text = invoke(str(runs), "--resamples", "0", *args)
        assert code == 2
        assert message in text


def table(path: Path, rows: list[tuple[float, float, float]]) -> str:
    path.write_text("params,tokens,loss\n" + "".join(f"{n:.9g},{d:.9g},{loss:.9g}\n" for n, d, loss in rows))
    return str(path)


def test_a_backtest_is_a_short_table_whatever_the_number_of_runs(sweep: Sweep, tmp_path: Path) -> None:
    rows = [(n, d, loss * (1 + 0.01 * k)) for k in range(10) for n, d, loss in zip(*sweep(noise=0.003), strict=True)]
    code, text = invoke(table(tmp_path / "seeds.csv", rows), "--resamples", "0", "--backtest")
    assert code == 0
    assert len(text[text.index("held out") :].splitlines()) <= 16
    assert "configurations" in text


def test_a_law_that_the_runs_leave_open_is_printed_as_open(tmp_path: Path) -> None:
    rows = [(1e8, d, 1.7 + 0.8 + 410 / d**0.28) for d in np.geomspace(1e9, 1e11, 12)]
    path = table(tmp_path / "size.csv", rows)
    code, text = invoke(path, "--resamples", "50")
    assert code == 0
    assert text.count(" open\n") == 4  # E, A, alpha, a
    assert "determine no best split" in text
    found = json.loads(invoke(path, "--resamples", "50", "--json")[1])
    assert found["intervals"]["alpha"] == [None, None]
    assert found["optima"][0]["params"] is None


def test_too_few_runs_have_no_law_to_save(tmp_path: Path) -> None:
    code, text = invoke(
        table(tmp_path / "few.csv", [(1e8, 1e9, 3.0), (2e8, 2e9, 2.8), (4e8, 4e9, 2.6)]), "--save", str(tmp_path / "law.json")
    )
    assert code == 2
    assert "no law to write" in text
    assert not (tmp_path / "law.json").exists()
