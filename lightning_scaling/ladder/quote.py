"""What a design costs and what it will show, before anything is spent."""

from dataclasses import dataclass

from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.expected import Expected, expected
from lightning_scaling.ladder.step_times import StepTimes, seconds_of
from lightning_scaling.ladder.training import cores_here


@dataclass(frozen=True)
class Quote:
    """The step times of this machine, the seconds of the whole with `lanes` cells at a time (NaN where not measured), what is expected."""

    step_times: StepTimes
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
    from lightning_scaling.ladder.step_times import measured_step_times

    step_times = measured_step_times(design) if measure else StepTimes({})
    at_once = lanes or max(1, cores_here() // design.cores)
    main = [cell for cell in design.cells if cell.family == design.cells[0].family]
    found = expected(main, design.law, design.noise) if len(main) > 1 else None
    return Quote(step_times, seconds_of(design.chains, step_times, {}, at_once), at_once, found)
