"""One training logged at once by the real loggers: each file that they leave is the run that was trained.

So it is by every command of the table in docs/importing.md, as it is written there.
"""

import json
import re
import shlex
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from lightning_scaling.cli import main
from lightning_scaling.importers import Options, read_run
from lightning_scaling.store import load

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

    def validation_step(self, batch, index):
        self.log("val_loss", self.layer(batch).square().mean() + 1.0)

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        return [optimizer], [{"scheduler": torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, STEPS), "interval": "step"}]


def trained(loggers, folder, callbacks=(), every=None):
    """The model after its training; with `every`, validated after as many steps each."""
    torch.manual_seed(0)
    model = Tiny()
    data = torch.utils.data.DataLoader(torch.randn(STEPS * 2, 4), batch_size=2)
    held = None if every is None else torch.utils.data.DataLoader(torch.randn(16, 4), batch_size=8)
    how = {} if every is None else dict(val_check_interval=every, num_sanity_val_steps=0)
    quiet = dict(enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, accelerator="cpu")
    trainer = pl.Trainer(
        max_epochs=1, logger=loggers, log_every_n_steps=1, default_root_dir=str(folder), callbacks=[*callbacks], **how, **quiet
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(model, data, held)
        for logger in loggers:
            logger.finalize("success")
    return model


def fine_tuned(folder):
    """transformers' trainer after as many steps, with its checkpoint in the folder."""
    import transformers

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, x):
            return {"loss": self.layer(x).square().mean() + 1.0}

    torch.manual_seed(0)
    data = [{"x": row} for row in torch.randn(STEPS * 2, 4)]
    how = dict(max_steps=STEPS, logging_steps=1, per_device_train_batch_size=2, report_to=[], disable_tqdm=True, use_cpu=True)
    arguments = transformers.TrainingArguments(str(folder), save_steps=STEPS, save_strategy="steps", **how)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = transformers.Trainer(Net(), arguments, train_dataset=data)
        trainer.train()
    return trainer


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


ROOT = Path(__file__).parents[2]
COMMANDS = re.findall(r"^\| (.+?) \| `(lightning-scaling .+?)` \|$", (ROOT / "docs" / "importing.md").read_text(), re.MULTILINE)
PRINTED = {
    "nanoGPT": "iter {0}: loss {1:.4f}, time 123.45ms, mfu 30.00%",
    "modded-nanogpt": "step:{0}/1000 train_loss:{1:.4f} train_time:100ms step_avg:10ms",
    "nanochat": "step {0:05d}/01000 (1.00%) | loss: {1:.6f} | lrm: 1.00 | dt: 100.00ms | tok/sec: 100,000",
    "llm.c": "s:{0} trl:{1:.4f} lr:0.000600",
    "litgpt": "Epoch 1 | iter {0} step {0} | loss train: {1:.3f}, val: n/a | iter time: 100.00 ms (step) remaining time: 0:10:00",
    "torchtitan": "[rank0]:[titan] 2026-01-01 00:00:00,000 - root - INFO - step: {0:2d}  loss: {1:.4f}  memory: 1.00GiB(1.00%)  tps: 1,000",
    "Megatron": " iteration {0:8d}/    1000 | consumed samples: {0:12d} | learning rate: 1.0E-04 | lm loss: {1:.6E} | grad norm: 1.0 |",
    "NeMo": "Training epoch 0, iteration {0}/999 | lr: 0.0001 | global_step: {0} | reduced_train_loss: {1:.4f}",
    "Keras": "Epoch {0}/1000\n100/100 - 1s - loss: {1:.4f} - accuracy: 0.5000",
    "fairseq": "2026-01-01 00:00:00 | INFO | train_inner | epoch 001: {0} / 1000 loss={1:.3f}, ppl=10, wps=100, num_updates={0}, lr=0.0001",
}


def fall(step: int) -> float:
    return 2 + 9 / step**0.3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the loggers, transformers' trainer and others left in a folder, under the names of the table."""
    pytest.importorskip("tensorboard")
    pytest.importorskip("transformers")
    pytest.importorskip("mlflow")
    wandb = pytest.importorskip("wandb")
    from lightning.pytorch.loggers import CSVLogger, MLFlowLogger, TensorBoardLogger, WandbLogger

    here = tmp_path_factory.mktemp("left")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_SILENT", "true")
        patch.setenv("WANDB_DIR", str(here))
        patch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # newer MLflow reads such folders on request alone
        online = WandbLogger(offline=True, save_dir=str(here), project="tiny")
        loggers = [CSVLogger(str(here)), TensorBoardLogger(str(here), name="tb_logs"), online]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loggers += [MLFlowLogger("tiny", tracking_uri=uri) for uri in (f"sqlite:///{here}/other.db", f"file:{here}/mlruns")]
            trained(loggers, here)
        online.experiment.finish()
        wandb.teardown()  # waits for the process that writes the file
    fine_tuned(here / "output")
    _others(here)
    return here


def _others(here: Path) -> None:
    """W&B's chart, any other text, a table of finished runs; and MLflow's metric and parameter under the names of the table."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{here}/other.db")
    (run,) = client.search_runs([client.get_experiment_by_name("tiny").experiment_id])  # type: ignore[union-attr]
    client.log_param(run.info.run_id, "n_params", 124_000_000)
    for step in range(5, 100, 5):
        client.log_metric(run.info.run_id, "val_loss", fall(step), step=step)
    chart = '"Step","gpt - train/loss","gpt - train/loss__MIN","gpt - train/loss__MAX"\n'
    (here / "export.csv").write_text(chart + "".join(f'"{s}","{fall(s)}","{fall(s)}","{fall(s)}"\n' for s in range(10, 400, 10)))
    (here / "my.log").write_text("".join(f"it {s} | loss={fall(s):.4f} lr=1e-4\n" for s in range(10, 400, 10)))
    runs = [(n, r * n) for n in (1e7, 4e7, 1.6e8) for r in (10, 40, 160)]
    (here / "runs.csv").write_text("params,tokens,loss\n" + "".join(f"{n},{d},{1.7 + 400 / n**0.34 + 410 / d**0.28}\n" for n, d in runs))


def run(*words: str) -> str:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_table_has_all_of_its_rows() -> None:
    assert len(COMMANDS) == 10


@pytest.mark.slow
@pytest.mark.parametrize(("tool", "command"), COMMANDS, ids=[tool[:25] for tool, _ in COMMANDS])
def test_the_command_of_a_tool_brings_its_run(
    tool: str, command: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "train.log").write_text("".join(PRINTED["nanoGPT"].format(s, fall(s)) + "\n" for s in range(10, 400, 10)))
    words = shlex.split(command.replace("\\|", "|"))[1:]
    if words[0] == "fit":
        assert json.loads(run(*words, "--resamples", "0", "--json"))["runs"] == 9
        return
    run(*words, "--yes", "--store", f"{tmp_path}/kept/")
    (kept,) = load(f"{tmp_path}/kept/", words[words.index("--experiment") + 1])
    if tool.startswith(("Lightning", "TensorBoard", "W&B, off", "transformers", "MLflow")):
        assert len(kept.curve) == STEPS
    else:
        assert len(kept.curve) >= 19
    assert kept.curve.params == (None if "--pattern" in words else 124_000_000)


@pytest.mark.parametrize("program", PRINTED)
def test_what_a_program_prints_is_a_run(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (command,) = (command for tool, command in COMMANDS if program in tool)
    Path("train.log").write_text("starting\n" + "".join(PRINTED[program].format(s, fall(s)) + "\n" for s in range(10, 400, 10)))
    run(*shlex.split(command)[1:], "--yes", "--store", "kept/")
    (kept,) = load("kept/", "ladder")
    assert len(kept.curve) == 39
    assert kept.curve.loss[-1] == pytest.approx(fall(390), rel=1e-3)
