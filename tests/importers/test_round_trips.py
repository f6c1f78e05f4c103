"""One training, logged at once by the real loggers: each file that they leave is the run that was trained."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_training import STEPS, fine_tuned, trained

from lightning_scaling.importers import Options, read_run

torch = pytest.importorskip("torch")


LOSS = Options(columns={"loss": "train_loss"}, tokens_per_step=2)


def same(reading, model):
    """The losses and rates at the steps trained; the number of the first step is known by the logger."""
    np.testing.assert_allclose(reading.curve.loss, model.losses, rtol=1e-6)
    np.testing.assert_array_equal(reading.curve.step, np.arange(1, STEPS + 1))
    np.testing.assert_array_equal(reading.curve.tokens, 2 * reading.curve.step)
    np.testing.assert_allclose(reading.curve.schedule.lr, model.rates, rtol=1e-6)


def test_one_training_is_one_run_in_the_files_of_three_loggers_and_in_what_the_monitor_recorded(tmp_path):
    """Differences: loggers hold the rate of each step, the monitor the plan of the scheduler, and it counts samples itself. In MLflow's
    database its record lies with the logger's run."""
    pytest.importorskip("tensorboard")
    pytest.importorskip("mlflow")
    from lightning.pytorch.loggers import CSVLogger, MLFlowLogger, TensorBoardLogger

    from lightning_scaling import ScalingLawMonitor
    from lightning_scaling.importers.another_store import read_store
    from lightning_scaling.store import load

    uri, own = f"sqlite:///{tmp_path}/mlflow.db", str(tmp_path / "own")
    loggers = [CSVLogger(tmp_path / "csv"), TensorBoardLogger(tmp_path / "tb"), MLFlowLogger("tiny", tracking_uri=uri)]
    monitor = ScalingLawMonitor(store=own, monitor="val_loss", tokens="samples", flops="6N", summary=False)
    model = trained(loggers, tmp_path, [monitor], every=2)
    for name in ("csv", "tb"):
        same(read_run(str(tmp_path / name), LOSS), model)
    (record,) = load(own).records
    held = replace(LOSS, columns={"loss": "val_loss"})
    files = [read_run(str(tmp_path / name), held) for name in ("csv", "tb")]
    for reading in [*files, *(each for store in (uri, own) for each in read_store(store, Options()))]:
        np.testing.assert_array_equal(reading.curve.tokens, record.curve.tokens)
        np.testing.assert_allclose(reading.curve.loss, record.curve.loss, rtol=1e-6)
    for reading in files:
        np.testing.assert_allclose(reading.curve.schedule.lr, record.curve.schedule.at(reading.curve.schedule.step - 1), rtol=1e-5)


def test_mlflow_s_database(tmp_path):
    pytest.importorskip("mlflow")
    from lightning.pytorch.loggers import MLFlowLogger

    from lightning_scaling.importers.another_store import read_store

    uri = f"sqlite:///{tmp_path}/mlflow.db"
    model = trained([MLFlowLogger("tiny", tracking_uri=uri)], tmp_path)
    (reading,) = read_store(uri, LOSS)
    np.testing.assert_allclose(reading.curve.loss, model.losses, rtol=1e-6)
    np.testing.assert_array_equal(reading.curve.tokens, 2 * np.arange(1, STEPS + 1))


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
    same(read_run(str(tmp_path), LOSS), model)


def test_transformers_trainer_state(tmp_path):
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    trainer = fine_tuned(tmp_path)
    reading = read_run(str(tmp_path))
    logged = [row for row in trainer.state.log_history if "loss" in row]
    np.testing.assert_array_equal(reading.curve.tokens, [row["step"] for row in logged])
    np.testing.assert_allclose(reading.curve.loss, [row["loss"] for row in logged])
    assert reading.facts["total_steps"] == STEPS
