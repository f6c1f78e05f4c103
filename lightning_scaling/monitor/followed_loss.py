"""Which loss the curve of a run holds: a validation loss by its name or, where there is none, the smoothed training loss."""

from lightning_scaling.monitor.counting import Counting
from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.losses import TRAINING, Cadence, TrainingLoss, kind_of
from lightning_scaling.monitor.points import Points
from lightning_scaling.monitor.progress import Progress

NO_VALIDATION = "there is no validation loss: the smoothed training loss is followed, which does not show over-fitting"
NO_LOSS_AT_ALL = "there is no validation loss and the training step returns none: nothing is forecast; return the loss, or log val_loss"
NO_LOSS = "{} is no loss: it is recorded, but there is no forecast and no advice; monitor=... names a loss"


class FollowedLoss:
    """Args:
    progress, counting, guard: of the run.
    """

    def __init__(self, progress: Progress, counting: Counting, guard: Guard) -> None:
        self._progress, self._counting, self._guard = progress, counting, guard
        self.name: str | None = None  # of this training; `progress.followed` also knows that of the training it resumes
        self.training: TrainingLoss | None = None
        self.cadence = Cadence()
        self.averaged = False  # whether an average of recent weights is validated

    @property
    def of_validation(self) -> bool:
        """Whether a validation loss was reported, in this training or in the one it resumes."""
        return self._progress.followed not in (None, TRAINING)

    @property
    def unseen(self) -> bool:
        """Whether the training loss is followed and no step has returned one."""
        return self.training is not None and not self.training.seen

    @property
    def judged(self) -> bool:
        """Whether it is a loss: an accuracy rises where training goes well."""
        return kind_of(self.name or "") != "accuracy"

    @property
    def key(self) -> str:
        """Its name among the metrics."""
        return TRAINING if self.name == TRAINING else "val_loss"

    def of_training(self, loss: TrainingLoss) -> None:
        """There is no validation loss: follow the smoothed training loss, under its own name."""
        self.training = loss
        self.named(TRAINING)

    def named(self, name: str) -> None:
        """Follow the loss of this name. Points of the training loss do not belong to a curve of the validation loss, and go."""
        name = name.removesuffix("_epoch")
        if name == self.name:
            return
        if self._progress.followed == TRAINING and name != TRAINING:
            self.training, self._progress.points, self._progress.predictions = None, Points(), []
        self.name = self._progress.followed = name
        kind = kind_of(name)
        self._counting.follow(f"{name} [{kind}]" if kind else name, "averaged" if self.averaged else "raw")
        if not self.judged:
            self._guard.warn("loss", NO_LOSS.format(name))

    def read(self) -> float:
        """The training loss since the last reading. Waits for the device; never raises."""
        self._guard.warn("training loss", NO_LOSS_AT_ALL if self.unseen else NO_VALIDATION)
        training = self.training
        return float("nan") if training is None else self._guard.run("the training loss", training.read, float("nan"))
