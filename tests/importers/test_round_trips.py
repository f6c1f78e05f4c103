"""One training, logged at once by the real loggers: each file that they leave is the run that was trained."""

import numpy as np
import pytest
from tiny_training import STEPS, fine_tuned, trained

from lightning_scaling.importers import Options, read_run

torch = pytest.importorskip("torch")


def the_run(path, model, first=1, **options):
    """The file's losses and rates at the steps trained; the number of the first step is known by the logger."""
    reading = read_run(str(path), Options(**options))
    np.testing.assert_allclose(reading.curve.loss, model.losses, rtol=1e-6)
    np.testing.assert_array_equal(reading.curve.step, np.arange(first, first + STEPS))
    assert reading.curve.schedule is not None
    np.testing.assert_allclose(reading.curve.schedule.lr, model.rates, rtol=1e-6)
    return reading


def test_lightning_s_csv_logger(tmp_path):
    from lightning.pytorch.loggers import CSVLogger

    model = trained([CSVLogger(str(tmp_path))], tmp_path)
    reading = the_run(tmp_path, model, tokens_per_step=8)
    np.testing.assert_array_equal(reading.curve.tokens, 8 * np.arange(1, STEPS + 1))


def test_tensorboard_s_event_files(tmp_path):
    pytest.importorskip("tensorboard")
    from lightning.pytorch.loggers import TensorBoardLogger

    model = trained([TensorBoardLogger(str(tmp_path))], tmp_path)
    the_run(tmp_path, model)


def test_mlflow_s_database(tmp_path):
    pytest.importorskip("mlflow")
    from lightning.pytorch.loggers import MLFlowLogger

    from lightning_scaling.importers.another_store import read_store

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    model = trained([MLFlowLogger("tiny", tracking_uri=uri)], tmp_path)
    (reading,) = read_store(uri, Options(columns={"loss": "train_loss"}, tokens_per_step=8))
    np.testing.assert_allclose(reading.curve.loss, model.losses, rtol=1e-6)
    np.testing.assert_array_equal(reading.curve.tokens, 8 * np.arange(1, STEPS + 1))


@pytest.mark.slow
def test_a_wandb_run_folder(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    from lightning.pytorch.loggers import WandbLogger

    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    logger = WandbLogger(offline=True, save_dir=str(tmp_path), project="tiny")
    model = trained([logger], tmp_path)
    logger.experiment.finish()
    wandb.teardown()  # waits for the process that writes the file
    the_run(tmp_path, model)


def test_transformers_trainer_state(tmp_path):
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    trainer = fine_tuned(tmp_path)
    reading = read_run(str(tmp_path))
    logged = [row for row in trainer.state.log_history if "loss" in row]
    np.testing.assert_array_equal(reading.curve.tokens, [row["step"] for row in logged])
    np.testing.assert_allclose(reading.curve.loss, [row["loss"] for row in logged])
    assert reading.facts["total_steps"] == STEPS


def test_what_the_monitor_recorded_is_what_each_logger_of_the_same_training_left(tmp_path):
    """Differences: loggers hold the rate of each step, the monitor the plan of the scheduler; the monitor counts samples itself."""
    pytest.importorskip("tensorboard")
    pytest.importorskip("mlflow")
    from lightning.pytorch.loggers import CSVLogger, MLFlowLogger, TensorBoardLogger

    from lightning_scaling import ScalingLawMonitor
    from lightning_scaling.importers.another_store import read_store
    from lightning_scaling.store import load

    uri, own = f"sqlite:///{tmp_path}/mlflow.db", str(tmp_path / "own")
    loggers = [CSVLogger(tmp_path / "csv"), TensorBoardLogger(tmp_path / "tb"), MLFlowLogger("tiny", tracking_uri=uri)]
    monitor = ScalingLawMonitor(store=own, monitor="val_loss", tokens="samples", flops="6N", summary=False)
    trained(loggers, tmp_path, [monitor], every=2)
    (record,) = load(own).records
    plain = Options(columns={"loss": "val_loss"}, tokens_per_step=2)
    read = [read_run(str(tmp_path / name), plain) for name in ("csv", "tb")]
    read += [each for store in (uri, own) for each in read_store(store, plain if store == uri else Options())]
    for reading in read:
        np.testing.assert_array_equal(reading.curve.tokens, record.curve.tokens)
        np.testing.assert_allclose(reading.curve.loss, record.curve.loss, rtol=1e-6)
    for reading in read[:2]:
        step = reading.curve.schedule.step
        np.testing.assert_allclose(reading.curve.schedule.lr, record.curve.schedule.at(step - 1), rtol=1e-5)
