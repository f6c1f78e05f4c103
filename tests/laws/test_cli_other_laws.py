"""`fit --task`, `--hyper`, `--moe` and a planned run: each law has its command, and what one cannot use is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import ArrayLike

from lightning_scaling import Curve, RunRecord, Schedule
from lightning_scaling.cli import main
from lightning_scaling.importers.records import Action, Item, records_of
from lightning_scaling.importers.records import write as write_runs
from lightning_scaling.importers.runs_table import read_table
from lightning_scaling.laws import Surface
from lightning_scaling.store import load

LAW = Surface(1.7, 400, 410, 0.34, 0.28)
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(name: str = "runs.csv", **columns: ArrayLike) -> str:
        rows = zip(*(np.asarray(column).ravel() for column in columns.values()), strict=True)
        text = "".join(",".join(f"{cell:.9g}" for cell in row) + "\n" for row in rows)
        (tmp_path / name).write_text(",".join(columns) + "\n" + text)
        return str(tmp_path / name)

    return written


@pytest.fixture
def scored(write: Write) -> str:
    params, tokens = np.meshgrid([1e7, 3e7, 1e8, 3e8], [1e9, 5e9, 2e10])
    loss = LAW.predict(params, tokens) * np.exp(0.002 * np.random.default_rng(0).standard_normal(params.shape))
    return write(params=params, tokens=tokens, loss=loss, acc=0.25 + 0.7 / (1 + np.exp(3 * (loss - 2.9))))


@pytest.fixture
def swept(write: Write) -> str:
    params, tokens, rate = np.meshgrid([1e8, 4e8, 1e9], [4e9, 1e10, 4e10], np.geomspace(1e-4, 1e-2, 9))
    loss = 2.5 + 0.05 * np.log(rate / (1.79 * params**-0.713 * tokens**0.307)) ** 2
    return write("swept.csv", params=params, tokens=tokens, peak_lr=rate, batch_tokens=np.full(rate.shape, 5e5), loss=loss)


@pytest.fixture
def mixed(write: Write) -> str:
    active, ratio, tokens = np.meshgrid([5e7, 2e8, 8e8], [1.0, 4.0, 16.0], [2e9, 8e9, 3e10])
    loss = LAW.predict(active * ratio**0.6, tokens)
    return write("mixed.csv", active_params=active, total_params=active * ratio, tokens=tokens, loss=loss)


def fit(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["fit", *words])
    return result.exit_code, result.output


def found(*words: str) -> dict:
    code, text = fit(*words, "--json")
    assert code == 0, text
    return json.loads(text)


def test_the_loss_of_a_planned_run_and_what_would_shorten_the_distance(scored: str) -> None:
    planned = found(scored, "--resamples", "0", "--at-params", "3B", "--at-tokens", "60B")["planned"]
    assert planned["low"] < LAW.predict(3e9, 6e10) < planned["high"]
    assert "of 3B params on 60B tokens" not in planned["meaning"]
    code, text = fit(scored, "--resamples", "0", "--at-params", "3B", "--at-tokens", "60B")
    assert code == 0
    assert "3B params on 60B tokens: " in text


def test_the_score_of_a_planned_run(scored: str) -> None:
    answer = found(scored, "--task", "acc", "--chance", ".25", "--at-params", "3B", "--at-tokens", "60B")
    truth = 0.25 + 0.7 / (1 + np.exp(3 * (LAW.predict(3e9, 6e10) - 2.9)))
    assert answer["planned"]["score"]["low"] < truth < answer["planned"]["score"]["high"]
    assert (answer["runs"], answer["kind"]) == (12, "accuracy")
    assert "acc over loss" in fit(scored, "--task", "acc")[1]


def test_a_score_below_zero_is_a_log_probability(write: Write) -> None:
    loss = np.linspace(2.2, 3.4, 12)
    path = write(params=np.geomspace(1e7, 1e9, 12), tokens=np.geomspace(1e9, 1e10, 12), loss=loss, logp=-0.5 * loss)
    assert found(path, "--task", "logp")["kind"] == "log_probability"
    code, text = fit(path, "--task", "logp", "--chance", ".25")
    assert (code, text.count("\n")) == (2, 1)


def test_learning_rate_and_batch_columns_are_found_or_named(swept: str) -> None:
    answer = found(swept, "--hyper", "--at-params", "2B", "--at-tokens", "100B")
    assert answer["learning_rate"]["params_exponent"] == pytest.approx(-0.713, abs=0.03)
    assert answer["batch_tokens"]["outcome"] == "TOO_FEW_OPTIMA"
    low, high = answer["planned"]["learning_rate"][1:]
    assert low < 1.79 * 2e9**-0.713 * 1e11**0.307 < high
    assert answer["planned"]["batch_tokens"] == [None] * 3
    assert found(swept, "--hyper", "--lr-column", "peak_lr")["learning_rate"] == answer["learning_rate"]


def test_mixtures_are_recognised_and_predicted(mixed: str) -> None:
    answer = found(mixed, "--moe", "--at-params", "1.6B", "--at-total", "12.8B", "--at-tokens", "60B")
    assert answer["gamma"] == pytest.approx(0.6, abs=0.01)
    assert answer["planned"]["low"] < LAW.predict(1.6e9 * 8**0.6, 6e10) < answer["planned"]["high"]
    assert answer["planned"]["leverage"][0] == pytest.approx(8**0.6, rel=0.02)
    assert found(mixed, "--resamples", "0")["moe"]["gamma"] == pytest.approx(answer["gamma"])


def test_a_column_of_active_parameters_can_be_named(write: Write) -> None:
    active, ratio, tokens = np.meshgrid([5e7, 2e8, 8e8], [1.0, 4.0, 16.0], [2e9, 8e9, 3e10])
    path = write(params=active * ratio, routed=active, tokens=tokens, loss=LAW.predict(active * ratio**0.6, tokens))
    assert found(path, "--moe", "--active-column", "routed")["gamma"] == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--task", "acc", "--moe"], "--task and --moe are laws of their own"),
        (["--task", "nothing"], "no column 'nothing'; there are params, tokens, loss, acc"),
        (["--task", "acc", "--backtest"], "--backtest belongs to the law L(N, D) and has no part in --task"),
        (["--chance", ".25"], "--chance goes with --task"),
        (["--hyper"], "no column 'learning rate'"),
        (["--hyper", "--chance", ".25"], "--chance goes with --task"),
        (["--moe"], "no column of active parameters beside params: name it with --active-column"),
        (["--moe", "--at-params", "1B", "--at-tokens", "1B"], "give --at-total too"),
        (["--at-params", "1B"], "give --at-params and --at-tokens together"),
        (["--at-total", "1B"], "--at-total goes with --moe"),
        (["--task", "acc", "--chance", "25"], "chance is the accuracy of guessing, between 0 and 1"),
        (["--hyper", "--include-unfinished"], "--include-unfinished is for runs of a store"),
    ],
)
def test_what_a_law_cannot_use_is_one_clear_line(scored: str, words: list[str], why: str) -> None:
    code, text = fit(scored, *words)
    assert (code, text.count("\n")) == (2, 1)
    assert why in text


def test_several_files_are_no_table(scored: str) -> None:
    code, text = fit(scored, scored, "--moe")
    assert (code, "--moe reads one table of finished runs" in text) == (2, True)


@pytest.mark.slow
def test_runs_of_a_store_bring_experts_rates_and_batches(mixed: str, swept: str, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    read = read_table(mixed)
    write_runs([Item(Action.NEW, record, read) for record in records_of(read)], store, "experts")
    write_runs([Item(Action.NEW, record, read_table(swept)) for record in _with_schedules(swept)], store, "rates")
    experts = [(r.active_params, r.total_params) for r in load(store, ["experts"])]
    assert sorted(experts) == sorted((int(n), int(t)) for n, t in zip(read.active, read.params, strict=True))
    assert found("--store", store, "--experiment", "experts", "--moe")["gamma"] == pytest.approx(0.6, abs=0.01)
    rates = found("--store", store, "--experiment", "rates", "--hyper")["learning_rate"]
    assert rates["params_exponent"] == pytest.approx(-0.713, abs=0.03)
    code, text = fit("--store", store, "--experiment", "rates", "--moe")
    assert (code, "finished runs there are dense" in text) == (2, True)


def _with_schedules(path: str) -> list[RunRecord]:
    """The runs of a sweep as a monitor records them: steps of the optimiser and a schedule that rises to the peak rate."""
    table = read_table(path, {"rate": "peak_lr", "batch": "batch_tokens"})
    records = []
    for i, record in enumerate(records_of(table)):
        steps = record.tokens / table.more["batch"][i]
        schedule = Schedule([0, steps / 10, steps], [0.0, table.more["rate"][i], 0.0])
        curve = Curve([record.tokens], [record.loss], [steps], schedule, record.params, optimizer_steps=True)
        records.append(replace(record, curve=curve))
    return records
