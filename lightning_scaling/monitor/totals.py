"""The counts of a run over all ranks of its training: summed at a validation and before a checkpoint, never in a step."""

from lightning_scaling.monitor.counting import Counting
from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.progress import Progress
from lightning_scaling.monitor.ranks import Ranks

NO_COUNTS = [0] * 15  # three counts in five limbs each, see `accounting.ledger`


class Totals:
    """Args:
    progress, counting, ranks, guard: of the run.
    """

    def __init__(self, progress: Progress, counting: Counting, ranks: Ranks, guard: Guard) -> None:
        self._progress, self._counting, self._ranks, self._guard = progress, counting, ranks, guard

    def nothing(self) -> object:
        """This rank's part in a sum that it has nothing to add to. Collective."""
        return self._ranks.exchange(NO_COUNTS)

    def exchange(self, loss: float | None = None) -> float:
        """Sum the counts over ranks; the mean of the loss over them. Collective."""
        summed, mean = self._ranks.exchange(self._guard.run("counting", self._delta, NO_COUNTS), loss)
        self._progress.ledger.sync(summed)
        return mean

    def sync(self) -> None:
        """The same for a checkpoint. Never raises."""
        with self._ranks.owing(self.nothing):
            self._guard.attempt("the sum over ranks", self.exchange)

    def _delta(self) -> list[int]:
        self._counting.settle()
        return self._progress.ledger.delta()
