"""Two real processes on gloo: tokens are those counted by hand over both ranks, and a resume on one process continues exactly."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

EPOCHS, ROWS = 2, 18  # 9 rows a rank: batches of 4, 4 and 1


@pytest.fixture(scope="module")
def ddp(tmp_path_factory):
    """A finished two-process training: what rank 0 reported, and its folder."""
    folder = tmp_path_factory.mktemp("ddp")
    asked = ["--epochs", EPOCHS, "--rows", ROWS, "--val-every", 3, "--devices", 2, "--strategy", "ddp"]
    script = Path(__file__).parent / "training.py"
    done = subprocess.run([sys.executable, script, folder, *map(str, asked)], cwd=folder, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, json.loads((folder / "reported-0.json").read_text())


def test_tokens_are_summed_over_both_ranks(ddp, training):
    _, reported = ddp
    assert reported["reported"]["tokens_trained"] == EPOCHS * ROWS * training.LENGTH
    assert reported["reported"]["flops_spent"] == 6 * training.PARAMS * EPOCHS * ROWS * training.LENGTH


def test_points_and_plan_are_those_of_both_ranks(ddp, training):
    _, reported = ddp
    assert reported["tokens"][-1] == EPOCHS * ROWS * training.LENGTH
    assert reported["planned_tokens"] == EPOCHS * ROWS * training.LENGTH


def test_the_checkpoint_holds_the_sum(ddp, training):
    folder, _ = ddp
    saved = torch.load(folder / "last.ckpt", weights_only=True)
    batches_a_rank = saved["global_step"]
    rows = sum(2 * (4, 4, 1)[n % 3] for n in range(batches_a_rank))
    assert saved["callbacks"]["ScalingLawMonitor"]["ledger"]["tokens"] == rows * training.LENGTH


@pytest.mark.slow
def test_one_process_goes_on_where_two_stopped(ddp, training, run_script):
    folder, reported = ddp
    code, alone = run_script(folder, "--epochs", EPOCHS + 1, "--rows", ROWS, "--resume", folder / "last.ckpt")
    assert code == 0, (folder / "printed.txt").read_text()[-3000:]
    assert alone["key"] == reported["key"]
    assert alone["reported"]["tokens_trained"] == (EPOCHS * ROWS + alone["rows"]) * training.LENGTH
