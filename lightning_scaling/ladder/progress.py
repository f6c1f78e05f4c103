"""Progress bars of a ladder: what is trained, how far it is, how long is left."""

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from lightning_scaling.ladder.cells import Ladder
from lightning_scaling.ladder.running import Show
from lightning_scaling.ladder.timing import cost, time_left

SETTLED = 0.02  # share of the whole to be done before a time is shown


class Pace:
    """Time left by the clock: the plan's own milliseconds, scaled by how long the part done has taken."""

    def __init__(self, ladder: Ladder) -> None:
        self.ladder = ladder
        self.whole = time_left(ladder, {})
        self.begun: tuple[float, float] | None = None

    def left(self, done: dict[str, float], now: float) -> float | None:
        """Seconds, None as long as too little is done to tell."""
        ahead = time_left(self.ladder, done)
        if any(0 < share < 1 for share in done.values()) and self.begun is None:
            self.begun = now, ahead
        if self.begun is None or (passed := self.begun[1] - ahead) < SETTLED * self.whole:
            return None
        return (now - self.begun[0]) * ahead / passed


@contextlib.contextmanager
def progress_bars(ladder: Ladder, console: Any) -> Iterator[Show]:
    """A `show` for `run_ladder`: a bar a cell, and one for the whole with the time left."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[note]}")
    with Progress(*columns, console=console, transient=False) as bars:
        whole = bars.add_task("[bold]ladder", total=sum(map(cost, ladder.runs)), note="")
        tasks = {cell.name: bars.add_task(describe(cell), total=cell.steps, note="waiting") for cell in ladder.runs}
        pace, most = Pace(ladder), sum(map(cost, ladder.runs)) * (1 - 1e-9)

        def show(done: dict[str, float], running: set[str]) -> None:
            for cell in ladder.runs:
                share = done.get(cell.name, 0.0)
                bars.update(tasks[cell.name], completed=share * cell.steps, note=_note(share, cell.name in running))
            spent = sum(cost(cell) * done.get(cell.name, 0.0) for cell in ladder.runs)
            bars.update(whole, completed=spent, note=_time(0.0 if spent >= most else pace.left(done, time.monotonic())))

        yield show


def describe(cell: Any) -> str:
    """`w16  13k parameters, 0.4M bytes`."""
    return f"{cell.name:<9}  {cell.params / 1e3:4.0f}k parameters, {cell.tokens / 1e6:.1f}M bytes"


def _note(share: float, running: bool) -> str:
    if share >= 1:
        return "done" if not running else "recording"
    return "starting" if running and not share else "training" if running else "waiting" if not share else "stopped"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "estimating"
    return "done" if seconds < 1 else f"about {seconds // 60:.0f}:{seconds % 60:02.0f} left"
