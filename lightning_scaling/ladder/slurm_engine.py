"""The SLURM engine, through submitit: the tasks of a ladder are one job array. A job that is preempted or runs out of time is requeued
and resumes from its checkpoint, which must lie where every node reaches it.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning_scaling.ladder.chain_training import Report, Task, train_chain
from lightning_scaling.ladder.engine import Ended
from lightning_scaling.ladder.run_folder import Session, cancel

MOST = 1000  # jobs of an array, as most clusters allow
REQUEUES = 20  # time limits that a job may run into
GLANCE = 0.5
MINUTES = 24 * 60


class Job:
    """What runs on a node. submitit calls `checkpoint` when SLURM announces the end of a job, and requeues what it returns."""

    def __call__(self, task: Task) -> Report:
        return (task.work or train_chain)(task, Session())

    def checkpoint(self, task: Task) -> Any:
        """The same task again: it resumes from its last checkpoint, at most `checkpoint_seconds` old."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, task)


class SlurmEngine:
    """Jobs of a SLURM cluster.

    Args:
        cores, gpus: of a task.
        partition: of the jobs.
        minutes: time limit of a job, after which it is requeued.
        slurm_executor: "slurm", "local" to run the jobs on this machine, None for what is there.
        folder: of job files and logs, reached by every node.

    Raises:
        ValueError: submitit is not installed, or there is no SLURM here.
    """

    def __init__(
        self,
        cores: int = 1,
        gpus: float = 0,
        partition: str | None = None,
        minutes: int | None = None,
        slurm_executor: str | None = None,
        folder: str | Path = "slurm-jobs",
    ) -> None:
        try:
            import submitit
        except ImportError:
            raise ValueError("the SLURM engine needs submitit: pip install 'lightning-scaling[slurm]'") from None
        if slurm_executor != "local" and submitit.AutoExecutor.which() != "slurm":
            raise ValueError("no SLURM on this machine: sbatch is not found; call this from a login node, or try --slurm-executor local")
        self._executor = submitit.AutoExecutor(folder, cluster=slurm_executor or "slurm", slurm_max_num_timeout=REQUEUES)
        more = {"slurm_partition": partition} if partition else {}
        self._executor.update_parameters(
            name="lightning-scaling", cpus_per_task=cores, gpus_per_node=int(gpus), timeout_min=minutes or MINUTES, **more
        )
        self.jobs: dict[Any, Task] = {}

    def room(self) -> int:
        return MOST - len(self.jobs)

    def start(self, tasks: Sequence[Task]) -> None:
        with self._executor.batch():
            made = [(self._executor.submit(Job(), task), task) for task in tasks]
        self.jobs |= dict(made)

    def ended(self, timeout: float) -> list[Ended]:
        until = time.monotonic() + timeout
        while True:
            done = [job for job in self.jobs if job.done()]
            if done or time.monotonic() >= until:
                return [self._take(job) for job in done]
            time.sleep(min(GLANCE, timeout))

    def _take(self, job: Any) -> Ended:
        task = self.jobs.pop(job)
        error = job.exception()
        return (
            Ended(task, job.result())
            if error is None
            else Ended(task, died=f"SLURM job {job.job_id}: {' '.join(str(error).split())[:300]}")
        )

    def steps(self) -> dict[str, int]:
        return {}

    def stop(self) -> None:
        for task in list(self.jobs.values())[:1]:
            cancel(task.design)

    def close(self) -> None:
        for job in self.jobs:
            job.cancel(check=False)
        self.jobs = {}
