"""Every command of the table in docs/importing.md, as it is written there, over what the real programs left."""

import json
import re
import shlex
import warnings
from pathlib import Path

import pytest
from click.testing import CliRunner
from tiny_training import STEPS, fine_tuned, trained

from lightning_scaling.cli import main
from lightning_scaling.store import load

ROOT = Path(__file__).parents[2]
ROWS = re.findall(r"^\| (.+?) \| `(lightning-scaling .+?)` \|$", (ROOT / "docs" / "importing.md").read_text(), re.MULTILINE)
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
    assert len(ROWS) == 10


@pytest.mark.slow
@pytest.mark.parametrize(("tool", "command"), ROWS, ids=[tool[:25] for tool, _ in ROWS])
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
    (command,) = (command for tool, command in ROWS if program in tool)
    Path("train.log").write_text("starting\n" + "".join(PRINTED[program].format(s, fall(s)) + "\n" for s in range(10, 400, 10)))
    run(*shlex.split(command)[1:], "--yes", "--store", "kept/")
    (kept,) = load("kept/", "ladder")
    assert len(kept.curve) == 39
    assert kept.curve.loss[-1] == pytest.approx(fall(390), rel=1e-3)
