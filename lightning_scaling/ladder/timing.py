"""How long a ladder has still to go: the rungs' cost in advance, and what two trainings at a time make of it."""

from collections.abc import Mapping

from lightning_scaling.ladder.rungs import Ladder, Rung

LANES = 2
# Milliseconds on one core (AMD EPYC, torch 2.13), measured at widths 16, 32 and 64: 3.7, 10 and 38 a step. Only their ratios matter:
# the pace of this machine is taken from what it has done so far.
STEP, PER_MFLOP = 3.3, 0.034
VALIDATION = 150.0


def cost(rung: Rung) -> float:
    """Expected milliseconds of training `rung` on one core."""
    return rung.steps * (STEP + PER_MFLOP * rung.flops / rung.steps / 1e6) + rung.evaluations * VALIDATION


def time_left(ladder: Ladder, done: Mapping[str, float]) -> float:
    """Milliseconds until the last rung ends, on the machine of `cost`.

    Args:
        done: share of each rung that is trained, by name; rungs not named have not begun.
    """
    left = {rung.name: cost(rung) * (1 - done.get(rung.name, 0.0)) for rung in ladder.runs}
    waiting, clock = list(ladder.runs), 0.0
    running: dict[str, float] = {}
    while waiting or running:
        for rung in ready(waiting, set(running) | {r.name for r in waiting}, LANES - len(running)):
            running[rung.name] = left[rung.name]
            waiting.remove(rung)
        passed = min(running.values())
        clock += passed
        running = {name: rest - passed for name, rest in running.items() if rest > passed}
    return clock


def ready(waiting: list[Rung], unfinished: set[str], lanes: int) -> list[Rung]:
    """The rungs to start now, one a free lane: all siblings finished, the ladder's own before other lengths, the costliest first."""
    free = [rung for rung in waiting if not unfinished & set(rung.after)]
    return sorted(free, key=lambda rung: (rung.of_other_length, -cost(rung)))[: max(0, lanes)]
