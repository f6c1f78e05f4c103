"""A ladder with early decisions: its cells first, then the runs that their law asks for, for the compute that was saved."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.engine import Engine
from lightning_scaling.ladder.run_ladder import Show, run_ladder
from lightning_scaling.ladder.saved import add, to_add, with_added
from lightning_scaling.run.record import RunRecord

Shown = Callable[[Design], AbstractContextManager[Show]]


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
