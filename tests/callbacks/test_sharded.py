"""Weights sharded over two real processes on gloo: N is the whole model's, and tokens are summed over data-parallel ranks only."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

EPOCHS, ROWS = 2, 18
# Ranks of data and of tensor parallelism, and the rows trained at each validation (every third batch of 4 rows a replica).
LAYOUTS = {"FSDP2": (2, 1, [18, 36]), "tensor parallel": (1, 2, [12, 30])}


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["FSDP2", "tensor parallel"])
def test_a_sharded_training_counts_what_was_counted_by_hand(layout, training, tmp_path):
    data, tensor, rows = LAYOUTS[layout]
    script = [sys.executable, Path(__file__).parent / "sharded.py", tmp_path, data, tensor]
    done = subprocess.run([*map(str, script)], cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    reported = json.loads((tmp_path / "reported-0.json").read_text())
    assert reported["params"] == training.PARAMS
    assert reported["tokens"] == [n * training.LENGTH for n in rows]
    assert reported["reported"]["tokens_trained"] == EPOCHS * ROWS * training.LENGTH
    assert reported["reported"]["flops_spent"] == 6 * training.PARAMS * EPOCHS * ROWS * training.LENGTH
