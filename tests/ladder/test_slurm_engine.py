"""SLURM through submitit, on its executor for one machine: preempted and requeued, a job resumes from its checkpoint."""

import os
import signal
import threading
from pathlib import Path

import pytest

from lightning_scaling.ladder.design_file import read_design
from lightning_scaling.ladder.run_folder import exists
from lightning_scaling.ladder.run_ladder import run_ladder
from lightning_scaling.ladder.status import recorded

submitit = pytest.importorskip("submitit", reason="submitit is not installed")
pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def importable(monkeypatch):
    """Jobs find what the tests find."""
    import sys

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))


def child_of(pid):
    """The job itself: submitit's executor for one machine starts it below a process of its own."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@pytest.mark.slow
def test_a_preempted_job_is_requeued_and_resumes_from_its_checkpoint(tmp_path, tiny, until, importable):
    from lightning_scaling.ladder.slurm_engine import SlurmEngine

    cells = [{"runs": [{"width": 8, "depth": 1, "context": 32, "steps": 700}, {"width": 16, "depth": 1, "context": 32, "steps": 40}]}]
    design = read_design(tiny(tmp_path, cells=cells, checkpoint_seconds=0.1))
    engine = SlurmEngine(slurm_executor="local", folder=tmp_path / "jobs")
    long, preempted = design.cells[0], []

    def preempt():
        until(lambda: exists(design.checkpoint(long)), 300)
        job = next(job for job, task in engine.jobs.items() if task.chain.cells[0].id == long.id)
        os.kill(child_of(job._process.pid), signal.SIGUSR2)  # what SLURM sends before it takes a node away
        preempted.append(job)

    thread = threading.Thread(target=preempt)
    thread.start()
    records = run_ladder(design, engine)
    thread.join()
    assert len(records) == len(recorded(design)) == 2
    assert records[long.id].tokens_trained == long.tokens
    log = preempted[0].paths.stdout.read_text() + preempted[0].paths.stderr.read_text()
    assert "this job is preempted" in log
    assert "Requeued job" in log
    assert log.count("w8 700 steps resumes from") == 1


def test_without_slurm_the_remedy_is_stated(tmp_path, monkeypatch):
    from lightning_scaling.ladder.slurm_engine import SlurmEngine

    monkeypatch.setenv("PATH", str(tmp_path))  # a SLURM that is here is not found
    with pytest.raises(ValueError, match="sbatch is not found"):
        SlurmEngine(folder=tmp_path)
