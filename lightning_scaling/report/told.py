"""What a report is given, in one piece: the runs, and the laws with what can be drawn of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lightning_scaling.report.reading import Aim, usable
from lightning_scaling.run.record import RunRecord


@dataclass(frozen=True, eq=False)
class Told:
    """Args as in `page.write_report`; a law that was refused (its constants are NaN) is told in words but not drawn."""

    records: Sequence[RunRecord]
    law: Any = None
    frontier: Any = None
    aim: Aim | None = None
    approaches: Any = None
    notes: Sequence[str] = ()
    presets: Sequence[Any] = ()

    @property
    def drawn_law(self) -> Any:
        """L(N, D) where it has numbers, else None."""
        return self.law if usable(self.law) else None

    @property
    def drawn_frontier(self) -> Any:
        """L(C) where it has numbers, else None."""
        return self.frontier if usable(self.frontier) else None
