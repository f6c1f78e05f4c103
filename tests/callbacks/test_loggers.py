"""What reaches the loggers and the store, read back from there."""

import csv
import math

import pytest

from lightning_scaling import RunState
from lightning_scaling.callbacks import ScalingLawMonitor
from lightning_scaling.callbacks.lightning_trainer import log
from lightning_scaling.monitor.guard import Guard

KEYS = {"tokens", "flops", "pf_days", "val_loss", "forecast_loss", "forecast_low", "forecast_high", "loss_floor", "gain_per_pf_day"}
KEYS |= {"step"}


def csv_logger(folder):
    from lightning.pytorch.loggers import CSVLogger

    return CSVLogger(folder)


@pytest.fixture(scope="module")
def logged(tmp_path_factory, training, quiet, new_store):
    """A finished run, its CSV rows and its MLflow store."""
    folder = tmp_path_factory.mktemp("logged")
    store = new_store(folder)
    monitor = ScalingLawMonitor(store=store, family="bigrams", run_name="one", experiment="tests", overhead=math.inf, summary=False)
    trainer = training.trainer(folder, monitor, max_epochs=20, logger=csv_logger(folder))
    with quiet():
        trainer.fit(training.model_class()(), training.loader(), training.loader(8, seed=1))
    with open(f"{trainer.logger.log_dir}/metrics.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["scaling/tokens"]]
    return monitor, rows, store


def test_csv_holds_every_key_of_every_validation(logged):
    monitor, rows, _ = logged
    assert len(rows) == len(monitor.curve) == 20
    assert {f"scaling/{key}" for key in KEYS} <= {key for key, value in rows[-1].items() if value}


def test_csv_reads_back_what_the_record_says(logged):
    monitor, rows, _ = logged
    assert [int(row["scaling/tokens"]) for row in rows] == monitor.curve.tokens.tolist()
    assert [float(row["scaling/val_loss"]) for row in rows] == monitor.curve.loss.tolist()
    assert [int(row["scaling/flops"]) for row in rows] == monitor.record.flops.tolist()


def test_points_lie_at_the_step_of_lightnings_own_validation_metrics(logged):
    monitor, rows, _ = logged
    assert [int(row["step"]) for row in rows] == [int(step) - 1 for step in monitor.curve.step]


def test_mlflow_holds_the_same_points_as_csv(logged):
    from mlflow.tracking import MlflowClient

    monitor, rows, store = logged
    client = MlflowClient(store)
    for key in KEYS:
        history = client.get_metric_history(monitor.record.run_id, f"scaling/{key}")
        expected = [(int(row["step"]), float(row[f"scaling/{key}"])) for row in rows if row[f"scaling/{key}"]]
        assert sorted((m.step, m.value) for m in history) == expected


def test_mlflow_names_the_verdict_the_family_and_the_conventions(logged):
    from mlflow.tracking import MlflowClient

    monitor, _, store = logged
    run = MlflowClient(store).get_run(monitor.record.run_id)
    assert run.data.tags["scaling.verdict"] == monitor.record.predictions[-1].verdict
    assert run.data.tags["scaling.family"] == "bigrams"
    assert run.data.params["scaling.params"] == str(monitor.record.params)
    assert run.data.params["scaling.convention.flops"] == "6N"
    assert run.info.status == "FINISHED"


def test_the_store_gives_back_the_record(logged):
    from lightning_scaling.store import load

    monitor, _, store = logged
    (read,) = load(store, experiments=["tests"]).records
    assert read.key == monitor.record.key
    assert read.state is RunState.FINISHED
    assert read.curve.loss == pytest.approx(monitor.curve.loss)
    assert read.planned_tokens == monitor.record.planned_tokens


def test_the_files_of_the_run_lie_beside_it(logged):
    from mlflow.tracking import MlflowClient

    monitor, _, store = logged
    names = {file.path for file in MlflowClient(store).list_artifacts(monitor.record.run_id, "scaling")}
    assert {"scaling/curve.csv", "scaling/forecast.json", "scaling/run.png", "scaling/report.html"} <= names


def test_a_finished_smaller_run_of_the_family_becomes_a_sibling(logged, training, tmp_path):
    monitor, _, store = logged

    class Larger(training.model_class()):
        def __init__(self):
            super().__init__()
            import torch

            self.more = torch.nn.Linear(64, 64)  # larger, though idle

    from lightning.pytorch import Callback

    class Wait(Callback):
        def on_train_batch_end(self, *_):
            import time

            for _ in range(100):
                if larger._run._reporter.related.curves:
                    return
                time.sleep(0.1)

    larger = ScalingLawMonitor(store=store, family="bigrams", experiment="tests", summary=False)
    training.trainer(tmp_path, [larger, Wait()], max_epochs=1).fit(Larger(), training.loader(), training.loader(8, seed=1))
    (sibling,) = larger._run._reporter.related.curves
    assert sibling.params == monitor.record.params


def test_two_loggers_of_different_experiments_in_one_store_both_hold_the_run(training, tmp_path, new_store):
    from lightning.pytorch.loggers import MLFlowLogger

    from lightning_scaling.store import load

    store = new_store(tmp_path)
    loggers = [MLFlowLogger(name, tracking_uri=store) for name in ("first", "second")]
    monitor = ScalingLawMonitor(summary=False)
    trainer = training.trainer(tmp_path, monitor, max_epochs=3, logger=loggers)
    trainer.fit(training.model_class()(), training.loader(), training.loader(8, seed=1))
    for logger in loggers:
        (run,) = load(store, experiments=[logger._experiment_name]).records
        assert (run.run_id, run.tokens) == (logger.run_id, monitor.record.tokens)


def test_a_logger_that_fails_is_reported_once_and_training_continues(capsys):
    class Broken:
        def log_metrics(self, metrics, step):
            raise OSError("no space left on device")

    guard = Guard()
    for step in range(3):
        log([Broken()], {"scaling/tokens": 1}, step, guard)
    assert capsys.readouterr().out.count("no space left") == 1


def test_numbers_that_are_not_finite_are_not_logged(training, tmp_path):
    class Broken(training.model_class()):
        def validation_step(self, batch, batch_idx):
            self.log("val_loss", math.nan)

    logger = csv_logger(tmp_path)
    monitor = ScalingLawMonitor(summary=False)
    trainer = training.trainer(tmp_path, monitor, max_epochs=2, logger=logger)
    trainer.fit(Broken(), training.loader(), training.loader(8, seed=1))
    with open(f"{logger.log_dir}/metrics.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["scaling/tokens"]]
    assert len(rows) == 2
    assert not any(row.get("scaling/val_loss") for row in rows)
