"""The forecast command: columns are guessed or named, JSON is JSON alone, bad files get one line and exit code 2."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from lightning_scaling.cli import main


def write(path, header, columns):
    path.write_text(
        "\n".join([",".join(header), *(",".join("" if v is None else f"{v:.8g}" for v in row) for row in zip(*columns, strict=True))])
    )
    return str(path)


@pytest.fixture
def log(tmp_path):
    """Forty logged losses of a run whose rate falls linearly; the second half of the schedule has no losses yet."""
    step = np.arange(1, 81) * 100.0
    loss = [float(2 + (1e6 / (1e4 * s)) ** 0.5) if s <= 4000 else None for s in step]
    return lambda *names: write(tmp_path / "run.csv", names, [step, 1e4 * step, loss, 1 - step / 8100])


def ask(*words):
    return CliRunner().invoke(main, ["forecast", *words])


@pytest.mark.parametrize(
    "names",
    [
        ("step", "tokens", "val_loss", "lr"),
        ("trainer/global_step", "Tokens Seen", "Val/Loss", "lr-AdamW"),
        ("iteration", "scaling/tokens", "train_loss", "learning_rate"),
    ],
)
def test_common_names_are_understood(log, names):
    answer = json.loads(ask(log(*names), "--at", "8e7", "--json").stdout)
    assert answer["points"] == 40
    assert answer["low"] < answer["loss"] < answer["high"]
    assert answer["outcome"] == "FORECAST"


def test_columns_can_be_named(log):
    path = log("a", "b", "c", "d")
    result = ask(path, "--at", "8e7", "--json", *["--step-column", "a", "--tokens-column", "b", "--loss-column", "c", "--lr-column", "d"])
    assert json.loads(result.stdout)["outcome"] == "FORECAST"


def test_steps_are_the_clock_where_there_are_no_tokens(tmp_path):
    path = write(tmp_path / "r.csv", ("step", "loss"), [np.arange(1, 41), 2 + np.arange(1, 41) ** -0.5])
    assert json.loads(ask(path, "--at", "80", "--json").stdout)["outcome"] == "NO_SCHEDULE"


def test_the_sentence_names_loss_interval_and_reason(log):
    printed = ask(log("step", "tokens", "loss", "lr"), "--at", "8e7").stdout
    assert "90 % interval" in printed
    assert "50 %" in printed
    assert "--at counts tokens" in printed


def test_siblings_are_read(log):
    path = log("step", "tokens", "loss", "lr")
    assert ask(path, "--at", "8e7", "--siblings", path).exit_code == 0


def test_the_plot_is_a_png(log, tmp_path):
    pytest.importorskip("matplotlib")
    assert ask(log("step", "tokens", "loss", "lr"), "--at", "8e7", "--plot", str(tmp_path / "x.png")).exit_code == 0
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("a,b\n1,2\n", "no row with a loss among a, b"),
        ("loss,b\n1,2\n", "no column of tokens, steps or epochs"),
        ("step,loss\n1,two\n", "text in column 'loss' where a number should be: 1 row, first row 2"),
        ("step,loss\n1\n", "a header above rows of as many cells"),
        ("step,loss\n1,\n", "no row with a loss"),
    ],
)
def test_a_bad_file_gets_one_clear_line(tmp_path, text, complaint):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    result = ask(str(path), "--at", "10")
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_file_that_is_not_there_gets_one_line():
    result = ask("nowhere.csv", "--at", "10")
    assert (result.exit_code, len(result.stderr.strip().splitlines())) == (2, 1)


def test_a_column_that_is_not_there_is_named(log):
    result = ask(log("step", "tokens", "loss", "lr"), "--at", "8e7", "--loss-column", "wer")
    assert result.exit_code == 2
    assert "'wer'" in result.stderr


def test_help_shows_an_example():
    assert "lightning-scaling forecast run.csv" in ask("--help").stdout


@pytest.fixture
def so_far(tmp_path):
    """Forty losses of a run at a constant rate, which the file knows up to now."""
    step = np.arange(1, 41) * 100.0
    return write(tmp_path / "so_far.csv", ("step", "loss", "lr"), [step, 2 + (100 / step) ** 0.5, np.ones(40)])


def test_a_rate_that_ends_with_the_losses_is_an_assumption(so_far):
    answer = json.loads(ask(so_far, "--at", "8000", "--json").stdout)
    assert answer["outcome"] == "RATE_SO_FAR_CONSTANT"
    assert sum(answer["schedules"].values()) == pytest.approx(1)


def test_a_stated_decay_ends_lower_than_a_stated_constant_rate(so_far):
    loss = {shape: json.loads(ask(so_far, "--at", "8000", "--schedule", shape, "--json").stdout) for shape in ("wsd:0.2", "constant")}
    assert loss["wsd:0.2"]["loss"] < loss["constant"]["loss"]
    assert not loss["constant"]["schedules"]


@pytest.mark.parametrize("shape", ["cosine:0.1", "cosine", "linear", "wsd:0.1", "constant"])
def test_a_shape_can_be_stated_without_any_rates(tmp_path, shape):
    path = write(tmp_path / "r.csv", ("step", "loss"), [np.arange(1, 41), 2 + np.arange(1, 41) ** -0.5])
    assert json.loads(ask(path, "--at", "80", "--schedule", shape, "--json").stdout)["outcome"] in ("FORECAST", "DECAY_UNSEEN_PRIOR")


@pytest.mark.parametrize(
    ("shape", "complaint"), [("cubic", "no such shape"), ("cosine:2", "share of the peak"), ("constant:1", "no number")]
)
def test_a_shape_that_cannot_be_gets_one_line(so_far, shape, complaint):
    result = ask(so_far, "--at", "8000", "--schedule", shape)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_declined_forecast_has_a_reason_and_no_interval(tmp_path):
    path = write(tmp_path / "r.csv", ("step", "loss"), [[1, 2, 3], [3.0, 2.5, 2.2]])
    answer = json.loads(ask(path, "--at", "80", "--json").stdout)
    assert (answer["outcome"], answer["loss"], answer["low"], answer["high"]) == ("TOO_FEW_POINTS", 2.5, None, None)
