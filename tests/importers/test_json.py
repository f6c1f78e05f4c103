"""JSON in its usual shapes is the same run."""

import json

import numpy as np
import pytest
from importers_truth import LOSS, RATE, STEPS, same_losses

from lightning_scaling.importers import read_run

ROWS = [{"step": int(s), "loss": float(x), "lr": float(r)} for s, x, r in zip(STEPS, LOSS, RATE, strict=True)]
COLUMNS = {name: [row[name] for row in ROWS] for name in ("step", "loss", "lr")}
STATE = {
    "best_metric": None,
    "max_steps": 4000,
    "log_history": [
        *({"step": r["step"], "loss": r["loss"], "learning_rate": r["lr"], "epoch": r["step"] / 100} for r in ROWS),
        {"step": 2000, "eval_loss": 9.0, "epoch": 20.0},
        {"step": 2000, "train_loss": 3.1, "train_runtime": 10.0, "epoch": 20.0},
    ],
}
DOCUMENTS = {
    "rows": ROWS,
    "columns": COLUMNS,
    "data frame": {name: {str(i): v for i, v in enumerate(values)} for name, values in COLUMNS.items()},
    "split": {"columns": list(COLUMNS), "index": list(range(50)), "data": [list(row.values()) for row in ROWS]},
    "trainer state": STATE,
    "by step": {str(row["step"]): {"loss": row["loss"], "lr": row["lr"]} for row in ROWS},
    "metrics of one row": [{"metricName": n, "metricValue": str(r[n]), "step": r["step"]} for r in ROWS for n in ("loss", "lr")],
    "nested": {"config": {"lr": 3e-4, "batch": [1, 2]}, "history": {"train": ROWS}},
}


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_document_of_this_shape(file, name, indent):
    assert same_losses(file("run.json", json.dumps(DOCUMENTS[name], indent=indent))).lr is not None


PARTS = {
    "lists": {"train": [{**row, "loss": 9.0} for row in ROWS], "val": ROWS},
    "columns": {"train": {"loss": [9.0] * 50}, "valid": {"loss": COLUMNS["loss"]}, "step": COLUMNS["step"]},
    "charts": {"loss": {"train": {"x": COLUMNS["step"], "y": [9.0] * 50}, "val": {"x": COLUMNS["step"], "y": COLUMNS["loss"]}}},
    "pairs": {"train_loss": [[s, 9.0] for s in COLUMNS["step"]], "val_loss": [[r["step"], r["loss"]] for r in ROWS]},
}


@pytest.mark.parametrize("name", PARTS)
def test_training_and_validation_apart_are_one_run(file, name):
    remarks = same_losses(file("run.json", json.dumps(PARTS[name]))).remarks
    assert any("train" in remark and "not followed" in remark for remark in remarks)


def test_rows_of_a_part_of_the_data(file):
    rows = [{"mode": mode, **row, "loss": loss} for row in ROWS for mode, loss in (("train", 9.0), ("val", row["loss"]))]
    assert same_losses(file("run.log.json", "\n".join(map(json.dumps, [{"config": "x"}, *rows])))).loss == "val loss"


def test_the_length_of_the_run_is_known_from_the_trainer_state(file):
    assert same_losses(file("trainer_state.json", json.dumps(STATE))).facts["total_steps"] == 4000


@pytest.mark.parametrize("prefix", ["", "2025-01-01 | INFO | train | "])
def test_lines_of_objects(file, prefix):
    nested = [{"step": r["step"], "train": {"loss": r["loss"]}, "optim": {"lr": r["lr"]}, "note": None} for r in ROWS]
    lines = [prefix + json.dumps(row) for row in nested]
    reading = same_losses(file("log.txt", "\n".join([*lines, '{"step": 2040, "tra'])))
    assert (reading.loss, reading.skipped) == ("train/loss", [{"reason": "no JSON object", "rows": 1, "first_row": 51}])


def test_numbers_as_text_and_nan(file):
    lines = [json.dumps({"step": str(r["step"]), "loss": f"{r['loss']}"}) for r in ROWS]
    reading = read_run(file("log.jsonl", [*lines, '{"step": 2040, "loss": NaN}']))
    assert np.isnan(reading.curve.loss[-1])


def test_a_history_without_a_clock_counts_epochs(file):
    reading = same_losses(file("history.json", json.dumps({"loss": [9.0] * 50, "val_loss": LOSS.tolist()})), np.arange(1, 51))
    assert "its rows are counted as epochs" in "; ".join(reading.remarks)


@pytest.mark.parametrize("between", ["", " ", "\n", ",\n", "\n\x1e"])
@pytest.mark.parametrize("indent", [None, 2])
def test_documents_one_behind_another_are_rows(file, between, indent):
    text = between.join(json.dumps(row, indent=indent) for row in ROWS)
    assert same_losses(file("run.json", text)).lr == "lr"
    cut = same_losses(file("run.json", text[:-8]), STEPS[:-1], LOSS[:-1])
    assert (len(cut.skipped), cut.skipped[0]["rows"]) == (1, 1)


def test_lists_of_one_number_are_numbers(file):
    rows = {"iterations": [{"iteration": k, "test": [x]} for k, x in enumerate(LOSS.tolist(), 1)]}
    same_losses(file("run.json", json.dumps(rows)), np.arange(1, 51), columns={"loss": "test"})


def test_tensorboard_s_export_of_one_scalar(file):
    assert same_losses(file("scalar.json", json.dumps([[1.7e9 + s, int(s), x] for s, x in zip(STEPS, LOSS, strict=True)]))).loss == "value"


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 5000, '{"log_history": [', '{"a": 1}', "[]", '["step", "loss"]'])
def test_damage_is_one_clear_line(file, text):
    with pytest.raises(ValueError, match=r"run\.json"):
        read_run(file("run.json", text))
