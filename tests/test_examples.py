"""Every example runs unchanged and prints what it promises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
PRINTS = {
    "plain_loop.py": "Trained on 204800 tokens",
    "transformers_trainer.py": "Trained on 51200 tokens",
    "tiny_gpt.py": "Half-way the end was forecast at",
    "attach.py": "metrics.csv",
    "many_sizes.py": "report: many_sizes/report.html",
    "lightning_cli.py": "scaling: ended at",
    "existing_runs.py": "L = (C0/C)^",
}
MORE = {"lightning_cli.py": ["fit", "--config", str(EXAMPLES / "config.yaml")]}


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """All at once, each in a folder of its own: most of their time is spent importing."""
    quiet = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "COLUMNS": "200"}
    running = {}
    for name in PRINTS:
        folder = tmp_path_factory.mktemp(Path(name).stem)
        command = [sys.executable, str(EXAMPLES / name), *MORE.get(name, [])]
        running[name] = subprocess.Popen(command, cwd=folder, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield running
    for process in running.values():
        process.kill()


@pytest.mark.parametrize("name", PRINTS)
def test_the_example_runs_and_prints_what_it_promises(started, name):
    printed, _ = started[name].communicate(timeout=280)
    assert started[name].returncode == 0, printed
    assert PRINTS[name] in printed


def test_every_example_is_tested():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PRINTS)


def test_attaching_takes_ten_lines():
    code = [line for line in (EXAMPLES / "attach.py").read_text().splitlines() if line.strip() and not line.startswith('"""')]
    assert len(code) <= 10
