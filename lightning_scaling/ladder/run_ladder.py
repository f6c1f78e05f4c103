"""A ladder from its design to trained runs: what is finished is left out, what failed is tried again, one failure stops no other cell.

With early decisions a second round follows: the runs that the law of the cells asks for, for the compute that was saved.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lightning_scaling.ladder.cell import Cell, Chain
from lightning_scaling.ladder.chain_training import Report, Task, train_chain
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.early_account import add, to_add, with_added
from lightning_scaling.ladder.engine import Ended, Engine
from lightning_scaling.ladder.run_folder import Session
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.address import resolve_uri

GLANCE = 0.25  # seconds between two looks at the progress
Work = Callable[[Task, Session], Report]


class Interrupted(Exception):  # noqa: N818 - no error: the user asked for it
    """The ladder was stopped; running it again resumes it."""


@dataclass
class Progress:
    """How far a ladder is, as its driver sees it."""

    finished: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    steps: dict[str, int] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


Show = Callable[[Progress], None]
Shown = Callable[[Design], AbstractContextManager[Show]]


def run_ladder(design: Design, engine: Engine, show: Show = lambda progress: None) -> dict[str, RunRecord]:
    """Train what is not yet trained; the records of the finished cells, by id, read back from the store.

    Raises:
        Interrupted: Ctrl-C, or the ladder was cancelled; checkpoints are written.
    """
    from lightning_scaling.ladder.run_folder import resume
    from lightning_scaling.ladder.status import deliver_missing, finished

    design = anchored(design)
    resume(design)
    deliver_missing(design, design.cells)
    there = finished(design)
    driver = Driver(design, engine, show, set(there))
    driver.run()
    if driver.stopped:
        raise Interrupted
    return finished(design)


class Driver:
    """Gives tasks to an engine until every cell is finished or has failed for good.

    Args:
        done: ids of the cells that are finished.
        work: what a task does in its process.
    """

    def __init__(self, design: Design, engine: Engine, show: Show, done: set[str], work: Work = train_chain) -> None:
        self.design, self.engine, self.work, self._show = design, engine, work, show
        self.progress = Progress(set(done))
        self._attempts: dict[str, int] = {}
        self.waiting = [chain for whole in design.chains if (chain := self._left(whole)) is not None]
        self.running = 0
        self.stopped = False

    def _left(self, chain: Chain) -> Chain | None:
        """The chain, unless all of its cells are finished: which are is looked up again where it is trained."""
        return None if all(cell.id in self.progress.finished for cell in chain.cells) else chain

    def run(self) -> None:
        """Until nothing waits or runs. Ctrl-C ends every task after a checkpoint."""
        try:
            self._drive()
        except KeyboardInterrupt:
            self.stopped = True
            self.engine.stop()
            while self.running:
                self._take(self.engine.ended(1.0))
        finally:
            self.engine.close()

    def _drive(self) -> None:
        while self.running or (self.waiting and not self.stopped):
            self._start()
            self._take(self.engine.ended(GLANCE))
            self.progress.steps.update(self.engine.steps())
            self._show(self.progress)

    def _start(self) -> None:
        room = 0 if self.stopped else max(0, self.engine.room())
        begin, self.waiting = self.waiting[:room], self.waiting[room:]
        if not begin:
            return
        for chain in begin:
            self._attempts[chain.name or chain.cells[0].id] = self._attempt(chain) + 1
            self.progress.running |= {cell.id for cell in chain.cells} - self.progress.finished
        self.engine.start([Task(of_chain(self.design, chain), chain, self._attempt(chain), self.work) for chain in begin])
        self.running += len(begin)

    def _attempt(self, chain: Chain) -> int:
        return self._attempts.get(chain.name or chain.cells[0].id, 0)

    def _take(self, ended: list[Ended]) -> None:
        for each in ended:
            self.running -= 1
            self._one(each)

    def _one(self, ended: Ended) -> None:
        cells, errors = ended.task.chain.cells, dict(ended.report.errors)
        self.progress.running -= {cell.id for cell in cells}
        if ended.died:
            errors = self._died(ended)
        if ended.report.stopped:
            self.stopped = True
        else:
            self.progress.finished |= {cell.id for cell in cells} - set(errors)
        for cell in cells:
            self.progress.failed.pop(cell.id, None)
        self.progress.failed |= errors
        if errors and self._attempt(ended.task.chain) <= self.design.retries and not self.stopped:
            self.waiting.append(ended.task.chain)

    def _died(self, ended: Ended) -> dict[str, str]:
        """The process could not say so itself: the cells that it had not finished have failed."""
        from lightning_scaling.ladder.status import finished, note_failures

        there = finished(ended.task.design)
        left: list[Cell] = [cell for cell in ended.task.chain.cells if cell.id not in there]
        note_failures(ended.task.design, left, self._attempt(ended.task.chain), ended.died)
        return {cell.id: ended.died for cell in left}


def anchored(design: Design) -> Design:
    """The design with its store and folder in full: a process of a cluster begins in a folder of its own."""
    folder = design.folder if "://" in design.folder else str(Path(design.folder).absolute())
    return replace(design, store=resolve_uri(design.store), folder=folder)


def of_chain(design: Design, chain: Chain) -> Design:
    """The design of one chain alone: what a process needs to be sent."""
    return replace(design, cells=chain.cells)


def run_rounds(design: Design, engine: Callable[[], Engine], shown: Shown) -> tuple[Design, dict[str, RunRecord]]:
    """Train what is not yet trained; the design with the cells that were added to it, and the records of its finished cells, by id.

    Args:
        engine: makes one; it is closed after each round.
        shown: how the progress of a design is shown.

    Raises:
        Interrupted: Ctrl-C, or the ladder was cancelled; a second call resumes.
    """
    whole = with_added(design)
    records = _trained(whole, engine, shown)
    if design.early is None or len(whole.cells) > len(design.cells) or len(records) < len(design.cells):
        return whole, records
    blocks = to_add(design, records)
    if not blocks:
        return whole, records
    whole = add(design, blocks)
    return whole, _trained(whole, engine, shown)


def _trained(design: Design, engine: Callable[[], Engine], shown: Shown) -> dict[str, RunRecord]:
    made = engine()
    with shown(design) as show:
        return run_ladder(design, made, show)
