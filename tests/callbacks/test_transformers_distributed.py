"""Two real processes of transformers.Trainer on gloo, as accelerate starts them: counts are those of both ranks, on rank 0 alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("transformers")
ROWS, LENGTH, EPOCHS = 24, 8, 2  # 22 rows in batches of 4: accelerate repeats two, so that both ranks train on three full batches


@pytest.fixture(scope="module")
def ddp(tmp_path_factory):
    """A finished two-process training: what each rank reported, and its folder."""
    folder = tmp_path_factory.mktemp("ddp")
    script = Path(__file__).parent / "language_model.py"
    launch = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0", "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0"]
    command = [sys.executable, *launch, script, folder]
    done = subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, [json.loads((folder / f"rank-{rank}.json").read_text()) for rank in (0, 1)]


def test_tokens_are_summed_over_both_ranks(ddp):
    _, (first, _) = ddp
    assert first["tokens"] == EPOCHS * ROWS * LENGTH
    assert first["points"][-1] == first["budget"] == first["tokens"]


def test_only_the_first_rank_reads_the_run(ddp):
    _, found = ddp
    assert [rank["read"] for rank in found] == [True, False]


def test_the_checkpoint_holds_the_sum(ddp):
    folder, _ = ddp
    saved = json.loads((folder / "checkpoint-2" / "trainer_state.json").read_text())["stateful_callbacks"]["ScalingLawCallback"]
    ledger = saved["attributes"]["resumed"]["ledger"]
    assert ledger["tokens"] == ROWS * LENGTH
    assert not any(ledger["unsynced"].values())
