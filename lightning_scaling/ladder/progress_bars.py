"""Progress bars of a ladder: what is trained, how far it is, how long is left."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.run_ladder import Progress, Show

SETTLED = 0.02  # share of the whole to be done before a time is shown
MOST_BARS = 30  # beyond it the whole alone has a bar


@contextlib.contextmanager
def progress_bars(design: Design, console: Any) -> Iterator[Show]:
    """A `show` for `run_ladder`: a bar a cell, and one for the whole with the time left."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[note]}")
    with Bars(*columns, console=console, transient=False) as bars:
        whole = bars.add_task(f"[bold]{design.name}", total=design.computed_flops, note="")
        shown = design.cells if len(design.cells) <= MOST_BARS else ()
        tasks = {cell.id: bars.add_task(describe(cell), total=cell.steps - cell.branch_step, note="waiting") for cell in shown}
        clock = _Clock()

        def show(progress: Progress) -> None:
            for cell in shown:
                bars.update(tasks[cell.id], completed=_done(cell, progress), note=_note(cell, progress))
            flops = sum(_done(cell, progress) / max(1, cell.steps - cell.branch_step) * cell.computed_flops for cell in design.cells)
            bars.update(whole, completed=flops, note=_time(clock.left(flops / design.computed_flops)))

        yield show


class _Clock:
    """Time left, by how long the part done since the start has taken."""

    def __init__(self) -> None:
        self.first: tuple[float, float] | None = None

    def left(self, share: float) -> float | None:
        now = time.monotonic()
        if self.first is None:
            self.first = now, share
        begun, before = self.first
        return (now - begun) * (1 - share) / (share - before) if share - before > SETTLED else None


def _done(cell: Cell, progress: Progress) -> int:
    """Steps that this cell alone has computed; a cell that ended early is done."""
    if cell.id in progress.finished:
        return cell.steps - cell.branch_step
    return max(0, progress.steps.get(cell.id, 0) - cell.branch_step)


def describe(cell: Cell) -> str:
    """`w16 6e10  13.3k parameters, 752k tokens`."""
    return f"{numbers.shortened(cell.name, 24):<16}  {numbers.count(cell.params)} parameters, {numbers.count(cell.tokens)} tokens"


def _note(cell: Cell, progress: Progress) -> str:
    if cell.id in progress.finished:
        return "done"
    if cell.id in progress.failed and cell.id not in progress.running:
        return f"failed: {numbers.shortened(progress.failed[cell.id], 60)}"
    return ("training" if cell.id in progress.steps else "starting") if cell.id in progress.running else "waiting"


def _time(seconds: float | None) -> str:
    return "estimating" if seconds is None else "done" if seconds < 0.5 else f"about {seconds // 60:.0f}:{seconds % 60:02.0f} left"
