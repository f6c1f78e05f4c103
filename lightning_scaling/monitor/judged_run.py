"""The readings of a run's latest judgement."""

from abc import ABC, abstractmethod
from typing import Any

from lightning_scaling.laws.frontier.power import PowerLaw
from lightning_scaling.monitor.judging import Judgement
from lightning_scaling.monitor.printed_run import PrintedRun


class JudgedRun(PrintedRun, ABC):
    """A run that has a `judgement`, None before the first."""

    @property
    @abstractmethod
    def judgement(self) -> Judgement | None:
        """The latest judgement, None before the first."""

    @property
    def forecast(self) -> Any:
        """The latest forecast of the end of the token budget, None before the first."""
        return self.judgement.forecast if self.judgement else None

    @property
    def advice(self) -> Any:
        """The latest advice, None before the first."""
        return self.judgement.advice if self.judgement else None

    @property
    def power_law(self) -> PowerLaw | None:
        """L(C) = L_inf + (C0/C)^alpha of the run so far, None before the first judgement."""
        return self.judgement.power_law if self.judgement else None
