"""What a design costs and what it will show, before anything is spent."""

from dataclasses import dataclass

from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.expected import Expected, expected
from lightning_scaling.ladder.pace import Pace, seconds_of
from lightning_scaling.ladder.pool import cores_here


@dataclass(frozen=True)
class Quote:
    """The pace of this machine, the seconds of the whole with `lanes` cells at a time (NaN where not measured), what is expected."""

    pace: Pace
    seconds: float
    lanes: int
    expected: Expected | None


def quote(design: Design, measure: bool = True, lanes: int | None = None) -> Quote:
    """Cost and expected errors of a design.

    Args:
        measure: time the first steps of the smallest and the largest cell.
        lanes: cells at a time; None: as many as the cores of this machine allow.

    Raises:
        ValueError: the builder cannot build the cells that are timed.
    """
    from lightning_scaling.ladder.measure import measured_pace

    pace = measured_pace(design) if measure else Pace({})
    at_once = lanes or max(1, cores_here() // design.cores)
    main = [cell for cell in design.cells if cell.family == design.cells[0].family]
    found = expected(main, design.law, design.noise) if len(main) > 1 else None
    return Quote(pace, seconds_of(design.chains, pace, {}, at_once), at_once, found)
