"""The cells of a ladder, two at a time in processes of their own, each once: what the store holds as finished is not trained again."""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from lightning_scaling.ladder import worker
from lightning_scaling.ladder.cells import Cell
from lightning_scaling.ladder.timing import LANES, ready
from lightning_scaling.ladder.training import Job
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord, RunState

Show = Callable[[dict[str, float], set[str]], None]  # share of each cell done, names of those running
GLANCE = 0.25  # seconds between two looks at the progress
PATIENCE = 60  # seconds that a record may take from a training's end to the store


class Interrupted(Exception):  # noqa: N818 - no error: the user asked for it
    """The ladder was stopped; a second run resumes it."""


def finished(job: Job) -> dict[str, RunRecord]:
    """The cells of this very job that the store holds as finished, by name."""
    from lightning_scaling.store import deliver, load

    if job.spool.is_dir():
        deliver(job.spool)
    if not (job.folder / "mlflow.db").exists():
        return {}
    records = load(job.store).records
    return {r.name: r for r in records if r.family == job.family and r.state is RunState.FINISHED}


def run_ladder(job: Job, show: Show = lambda done, running: None) -> dict[str, RunRecord]:
    """Train what is not yet trained; the records of all cells, read back from the store.

    Raises:
        Interrupted: Ctrl-C; checkpoints are written.
        ChildProcessError: a training process was killed; a second run resumes it.
    """
    there = finished(job)
    show(dict.fromkeys(there, 1.0), set())
    waiting = [cell for cell in job.ladder.runs if cell.name not in there]
    if waiting:
        with _pool(job) as (pool, steps, stop):
            _train_all(job, waiting, there, pool, _Progress(job, steps, there, show), stop)
    return gathered(job, [cell.name for cell in job.ladder.runs])


def gathered(job: Job, names: Iterable[str]) -> dict[str, RunRecord]:
    """The finished runs of these names, awaited: what a training could not hand over at its end is delivered from its spool.

    Raises:
        TimeoutError: a record does not arrive (an OSError).
    """
    names, until = list(names), time.monotonic() + PATIENCE
    while missing := [name for name in names if name not in (there := finished(job))]:
        if time.monotonic() > until:
            where = f"its record is not in {job.store}; `lightning-scaling flush {job.spool}` delivers it"
            raise TimeoutError(f"{missing[0]} is trained, but {where}")
        time.sleep(1)
    return {name: there[name] for name in names}


class _Progress:
    """Turns the shared steps into shares for `show`."""

    def __init__(self, job: Job, steps: Any, there: dict[str, RunRecord], show: Show) -> None:
        self.cells, self.steps, self.there, self.show = job.ladder.runs, steps, there, show

    def __call__(self, running: set[str]) -> None:
        share = {cell.name: self.steps[i] / cell.steps for i, cell in enumerate(self.cells)}
        self.show(share | dict.fromkeys(self.there, 1.0), running)


def _train_all(job: Job, waiting: list[Cell], there: dict[str, RunRecord], pool: ProcessPoolExecutor, look: _Progress, stop: Any) -> None:
    """Start every cell as soon as its siblings are finished and a process is free; end all of them when one fails or Ctrl-C comes."""
    running: dict[Future[bool], Cell] = {}
    try:
        while waiting or running:
            unfinished = {cell.name for cell in (*waiting, *running.values())}
            for cell in ready(waiting, unfinished, LANES - len(running)):
                waiting.remove(cell)
                running[pool.submit(worker.train, job.ladder.runs.index(cell), _siblings(job, cell))] = cell
            ended, _ = wait(running, timeout=GLANCE, return_when=FIRST_COMPLETED)
            for future in ended:
                future.result()
                running.pop(future)
            look({cell.name for cell in running.values()})
    except KeyboardInterrupt:
        stop.set()
        wait(running)
        raise Interrupted from None
    except BrokenProcessPool:
        raise ChildProcessError("a training process was killed; the same command resumes from its checkpoint") from None
    except BaseException:
        stop.set()
        raise


def _siblings(job: Job, cell: Cell) -> list[Curve]:
    """The finished curves that the plan gives `cell` to learn from, as the store holds them."""
    return [record.curve for record in gathered(job, cell.after).values()]


@contextlib.contextmanager
def _pool(job: Job) -> Iterator[tuple[ProcessPoolExecutor, Any, Any]]:
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    steps, stop = context.Array("q", len(job.ladder.runs), lock=False), context.Event()
    with _environment(), ProcessPoolExecutor(LANES, context, worker.begin, (job, steps, stop)) as pool:
        yield pool, steps, stop


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """What the processes inherit; the own environment is as before afterwards."""
    before = {name: os.environ.get(name) for name in worker.ENVIRONMENT}
    os.environ.update(worker.ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
