"""The Ray engine: a task is a Ray task with the cores and accelerators of a cell, on a cluster on this machine or a remote one.

What a node that dies was training Ray starts again on another: it resumes from the checkpoint, which must lie where every node reaches it.
"""

import logging
import time
import warnings
from collections.abc import Sequence
from typing import Any

from lightning_scaling.ladder.chain_training import Report, Task, train_chain
from lightning_scaling.ladder.engine import Ended
from lightning_scaling.ladder.run_folder import Session, cancel

MOST = 10_000  # tasks that Ray is given at a time
LOST_NODES = 5  # deaths of its node or process that a task survives


def train(task: Task) -> Report:
    """What runs on a node; a process there trains many tasks, so the run folder is where it sees that it is to end."""
    return (task.work or train_chain)(task, Session())


class RayEngine:
    """Tasks of a Ray cluster.

    Args:
        cores: of a task.
        address: of the cluster, "auto" for the running one; None starts one on this machine.
        gpus: of a task.

    Raises:
        ValueError: Ray is not installed, the cluster does not answer, or one on this machine can never give a task what it asks for.
    """

    def __init__(self, cores: int = 1, address: str | None = None, gpus: float = 0) -> None:
        try:
            import ray
        except ImportError:
            raise ValueError("the Ray engine needs Ray: pip install 'lightning-scaling[ray]'") from None
        self._ray: Any = ray
        self._running: dict[Any, Task] = {}
        self._began = not ray.is_initialized()
        if self._began:
            try:
                ray.init(
                    address=address, log_to_driver=False, include_dashboard=False if address is None else None, logging_level=logging.ERROR
                )
            except (ConnectionError, RuntimeError) as error:
                raise ValueError(f"no Ray cluster answers at {address}: {' '.join(str(error).split())[:200]}") from None
        self._check(cores, gpus, grows=address is not None)
        self._train: Any = ray.remote(num_cpus=cores, num_gpus=gpus, max_retries=LOST_NODES)(train)

    def _check(self, cores: int, gpus: float, grows: bool) -> None:
        """Ray would wait for ever, without a word, for what its nodes do not have."""
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if any(node.get("CPU", 0) >= cores and node.get("GPU", 0) >= gpus for node in nodes):
            return
        most = ", ".join(f"{max((node.get(name, 0) for node in nodes), default=0):g} {name}s" for name in ("CPU", "GPU"))
        text = f"a cell asks for {cores} CPUs and {gpus:g} GPUs, and no node of the Ray cluster has them (at most {most})"
        if not grows:
            self.close()
            raise ValueError(f"{text}: set `cores` or --gpus lower")
        warnings.warn(f"{text}: cells wait until one joins", stacklevel=3)

    def room(self) -> int:
        return MOST - len(self._running)

    def start(self, tasks: Sequence[Task]) -> None:
        self._running |= {self._train.options(name=task.name).remote(task): task for task in tasks}

    def ended(self, timeout: float) -> list[Ended]:
        if not self._running:
            time.sleep(timeout)
            return []
        first, _ = self._ray.wait(list(self._running), num_returns=1, timeout=timeout)
        ready = self._ray.wait(list(self._running), num_returns=len(self._running), timeout=0)[0] if first else []
        return [self._take(ref) for ref in ready]

    def _take(self, ref: Any) -> Ended:
        task = self._running.pop(ref)
        try:
            return Ended(task, self._ray.get(ref))
        except self._ray.exceptions.RayError as error:
            return Ended(task, died=f"Ray lost it: {' '.join(str(error).split())[:300]}")

    def steps(self) -> dict[str, int]:
        return {}

    def stop(self) -> None:
        for task in list(self._running.values())[:1]:
            cancel(task.design)

    def close(self) -> None:
        for ref in self._running:
            self._ray.cancel(ref, force=True)
        self._running = {}
        if self._began:
            self._ray.shutdown()
