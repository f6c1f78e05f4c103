"""How long a ladder has still to go: the cells' cost in advance, and what two trainings at a time make of it."""

from collections.abc import Mapping

from lightning_scaling.ladder.cells import Cell, Ladder

LANES = 2
# Milliseconds on one core (AMD EPYC, torch 2.13), measured at widths 16, 32 and 64: 3.7, 10 and 38 a step. Only their ratios matter:
# the pace of this machine is taken from what it has done so far.
STEP, PER_MFLOP = 3.3, 0.034
VALIDATION = 150.0


def cost(cell: Cell) -> float:
    """Expected milliseconds of training `cell` on one core."""
    return cell.steps * (STEP + PER_MFLOP * cell.flops / cell.steps / 1e6) + cell.evaluations * VALIDATION


def time_left(ladder: Ladder, done: Mapping[str, float]) -> float:
    """Milliseconds until the last cell ends, on the machine of `cost`.

    Args:
        done: share of each cell that is trained, by name; cells not named have not begun.
    """
    left = {cell.name: cost(cell) * (1 - done.get(cell.name, 0.0)) for cell in ladder.runs}
    waiting, clock = list(ladder.runs), 0.0
    running: dict[str, float] = {}
    while waiting or running:
        for cell in ready(waiting, set(running) | {r.name for r in waiting}, LANES - len(running)):
            running[cell.name] = left[cell.name]
            waiting.remove(cell)
        passed = min(running.values())
        clock += passed
        running = {name: rest - passed for name, rest in running.items() if rest > passed}
    return clock


def ready(waiting: list[Cell], unfinished: set[str], lanes: int) -> list[Cell]:
    """The cells to start now, one a free lane: all siblings finished, the ladder's own before other lengths, the costliest first."""
    free = [cell for cell in waiting if not unfinished & set(cell.after)]
    return sorted(free, key=lambda cell: (cell.of_other_length, -cost(cell)))[: max(0, lanes)]
