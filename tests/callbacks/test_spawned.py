"""Two really spawned processes: their results are in the checkpoint and the store, and a line states that the callback brings none back."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lightning_scaling import RunState
from lightning_scaling.store import load

EPOCHS, ROWS = 2, 32


@pytest.mark.slow
def test_spawned_processes_leave_their_results_in_the_checkpoint_and_the_store(training, tmp_path, new_store):
    store = new_store(tmp_path)
    script = [sys.executable, str(Path(__file__).parent / "spawned.py"), str(tmp_path), store]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stderr.count("read them from the store or a checkpoint") == 1
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert saved["callbacks"]["ScalingLawMonitor"]["ledger"]["tokens"] == EPOCHS * ROWS * training.LENGTH
    (record,) = load(store, experiments=["lightning-scaling"]).records
    assert record.state is RunState.FINISHED
    assert record.tokens_trained == EPOCHS * ROWS * training.LENGTH
