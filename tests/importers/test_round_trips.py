"""One training, logged at once by the real loggers: each file that they leave is the run that was trained."""

import warnings

import numpy as np
import pytest

from lightning_scaling.importers import Options, read_run

torch = pytest.importorskip("torch")
pl = pytest.importorskip("lightning.pytorch")

STEPS = 60


class Tiny(pl.LightningModule):
    """A regression on noise whose losses and rates are kept as they are logged."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        self.losses, self.rates = [], []

    def training_step(self, batch, index):
        loss = self.layer(batch).square().mean() + 1.0
        self.losses.append(float(loss.detach()))
        self.rates.append(self.optimizers().param_groups[0]["lr"])
        self.log("train_loss", loss)
        self.log("lr", self.rates[-1])
        return loss

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        return [optimizer], [{"scheduler": torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, STEPS), "interval": "step"}]


def trained(loggers, folder):
    torch.manual_seed(0)
    model = Tiny()
    data = torch.utils.data.DataLoader(torch.randn(STEPS * 2, 4), batch_size=2)
    quiet = dict(enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, accelerator="cpu")
    trainer = pl.Trainer(max_epochs=1, logger=loggers, log_every_n_steps=1, default_root_dir=str(folder), **quiet)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(model, data)
        for logger in loggers:
            logger.finalize("success")
    return model


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
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, x):
            return {"loss": self.layer(x).square().mean() + 1.0}

    torch.manual_seed(0)
    data = [{"x": row} for row in torch.randn(STEPS * 2, 4)]
    how = dict(max_steps=STEPS, logging_steps=1, per_device_train_batch_size=2, report_to=[], disable_tqdm=True, use_cpu=True)
    arguments = transformers.TrainingArguments(str(tmp_path), save_steps=STEPS, save_strategy="steps", **how)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = transformers.Trainer(Net(), arguments, train_dataset=data)
        trainer.train()
    reading = read_run(str(tmp_path))
    logged = [row for row in trainer.state.log_history if "loss" in row]
    np.testing.assert_array_equal(reading.curve.tokens, [row["step"] for row in logged])
    np.testing.assert_allclose(reading.curve.loss, [row["loss"] for row in logged])
    assert reading.facts["total_steps"] == STEPS
