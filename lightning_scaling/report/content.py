"""What a report shows, in one piece: the runs, the fit of the finished ones, and the published laws beside it."""

from collections.abc import Sequence
from dataclasses import dataclass

from lightning_scaling.laws.extrapolation.backtests import HeldOut
from lightning_scaling.laws.frontier.frontier import FrontierFit
from lightning_scaling.laws.presets.presets import Preset
from lightning_scaling.laws.runs_fit import RunsFit
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.run.record import RunRecord


@dataclass(frozen=True, eq=False)
class Content:
    """Runs and their laws; a law that was refused (its constants are NaN) is explained in words and not drawn."""

    records: Sequence[RunRecord]
    fit: RunsFit | None = None
    presets: Sequence[Preset] = ()

    @property
    def drawn_law(self) -> SurfaceFit | None:
        """L(N, D) where it has numbers."""
        return self.fit.surface if self.fit is not None and self.fit.surface.usable else None

    @property
    def drawn_frontier(self) -> FrontierFit | None:
        """L(C) where it has numbers."""
        return self.fit.frontier if self.fit is not None and self.fit.frontier.usable else None

    @property
    def largest(self) -> HeldOut | None:
        """The largest run as the smaller ones predict it."""
        return None if self.fit is None else self.fit.largest

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the laws must know."""
        return () if self.fit is None else self.fit.notes

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        """(law, outcome) of each fit that had runs to fit."""
        if self.fit is None or len(self.fit.runs) < 3:
            return []
        return [("L(C)", str(self.fit.frontier.outcome)), ("L(N, D)", str(self.fit.surface.outcome))]
