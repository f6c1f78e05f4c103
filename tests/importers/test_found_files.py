"""Folders, globs and links: which files are meant, and what is never followed."""

import json
import os

import pytest
from importers_truth import HEADER, LOSS, ROWS, STEPS, same_losses

from lightning_scaling.importers import read_each, read_run
from lightning_scaling.importers.found_files import found_files

TEXT = [HEADER, *ROWS]
STATE = {"log_history": [{"step": int(s), "loss": float(x)} for s, x in zip(STEPS, LOSS, strict=True)]}


def test_a_folder_of_lightning_s_logger_is_its_metrics(file, tmp_path):
    lines = ["epoch,step,train_loss_step,train_loss_epoch,lr-AdamW"]
    for s, x in zip(STEPS, LOSS, strict=True):
        lines += [f"0,{s - 1},{x},,", f"0,{s - 1},,,1e-4"]
    file("logs/version_0/metrics.csv", lines)
    file("logs/version_0/hparams.yaml", "batch_size: 8\nblock_size: 1024\n")
    reading = same_losses(str(tmp_path / "logs"), STEPS * 8192.0)
    assert (reading.unit, reading.loss, reading.lr) == ("tokens", "train_loss_step", "lr-AdamW")


def test_a_folder_of_several_runs_is_refused_with_their_names_and_read_one_by_one(file, tmp_path):
    for k in range(3):
        file(f"logs/version_{k}/metrics.csv", TEXT)
    with pytest.raises(ValueError, match=r"holds 3 runs: .*version_0.*version_1"):
        read_run(str(tmp_path / "logs"))
    assert len(list(read_each(str(tmp_path / "logs")))) == 3


def test_of_a_trainer_s_checkpoints_the_last_holds_the_whole_log(file, tmp_path):
    early = {"log_history": STATE["log_history"][:20]}
    os.utime(file("out/checkpoint-800/trainer_state.json", json.dumps(early)), (1, 1))
    file("out/checkpoint-2000/trainer_state.json", json.dumps(STATE))
    same_losses(str(tmp_path / "out"))


def test_the_metrics_of_an_mlflow_run_are_one_run(file, tmp_path):
    file("mlruns/0/ab12/meta.yaml", "name: x\n")
    file("mlruns/0/ab12/metrics/train_loss", [f"17000000000{s} {x} {s}" for s, x in zip(STEPS, LOSS, strict=True)])
    file("mlruns/0/ab12/metrics/lr", [f"17000000000{s} 1e-4 {s}" for s in STEPS])
    assert same_losses(str(tmp_path / "mlruns")).lr == "lr"


def test_a_run_that_mlflow_has_marked_as_deleted_is_left_out(file, tmp_path):
    for run, stage in (("ab12", "deleted"), ("cd34", "active")):
        file(f"mlruns/0/{run}/meta.yaml", f"lifecycle_stage: {stage}\nrun_id: {run}\n")
        file(f"mlruns/0/{run}/metrics/train_loss", [f"17000000000{s} {x} {s}" for s, x in zip(STEPS, LOSS, strict=True)])
    assert ["cd34" in each.name for each in read_each(str(tmp_path / "mlruns"))] == [True]


def test_a_glob_names_several_files(file, tmp_path):
    for name in ("a.csv", "b.csv"):
        file(name, TEXT)
    assert len(list(read_each(str(tmp_path / "*.csv")))) == 2


def test_a_link_out_of_a_folder_is_not_followed(file, tmp_path):
    file("secret/metrics.csv", TEXT)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "metrics.csv").symlink_to(tmp_path / "secret" / "metrics.csv")
    (tmp_path / "logs" / "version_0").symlink_to(tmp_path / "secret")
    with pytest.raises(ValueError, match="a folder without a log"):
        found_files(str(tmp_path / "logs"))


@pytest.mark.parametrize("path", ["empty", "*.nothing", "empty/none.csv"])
def test_nothing_there_is_one_clear_line(tmp_path, path):
    (tmp_path / "empty").mkdir()
    with pytest.raises((ValueError, OSError)):
        found_files(str(tmp_path / path))
