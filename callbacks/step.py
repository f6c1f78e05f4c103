"""What the monitor does in each step of a fit: note a rate, a shape and perhaps a loss; all else waits until somebody looks.

Hooks over local names instead of methods: between two steps whatever is not used leaves the processor's caches, so a step pays for every
object on the way from the trainer to a number. Methods of `Fit` that did the same took twice as long (docs/decisions.md).
"""

from collections.abc import Callable
from typing import Any

from lightning_scaling.callbacks.fit import Fit
from lightning_scaling.callbacks.rates import MOST_NEW

Hook = Callable[..., None]


def no_hook(*_: Any) -> None:
    """Nothing is watched."""


def on_step(fit: Fit) -> Hook:
    """For `on_before_optimizer_step`: the rate, if the optimiser is the one followed and its rate is a number of the host."""
    followed, planning, rates = fit.followed, fit.planning, fit.run.rates
    new = rates.new

    def note(trainer: Any, pl_module: Any, optimizer: Any) -> None:
        if followed is None or optimizer is followed:
            rate = optimizer.param_groups[0]["lr"]
            new.append(rate if isinstance(rate, float) else planning.rate_of_tensor)
            if len(new) >= MOST_NEW:
                rates.settle()

    return note


def on_batch(fit: Fit, point: Callable[[], None]) -> Hook:
    """For `on_train_batch_end`: the batch and, where it is followed, its loss; `point` is called when one of the training loss is due."""
    place, known, look = fit.meter.place, fit.meter.known, fit.meter.look
    losses, rates = fit.training_loss, fit.run.rates

    def note(trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        try:
            ids = place(batch)
            known[type(batch), type(ids), ids.shape, ids.dtype].times += 1
        except Exception:
            look(batch)
        if losses is not None and losses.add(outputs) and losses.due(rates.steps):
            point()

    return note
