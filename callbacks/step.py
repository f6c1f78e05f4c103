"""What the monitor does in each step of a fit: note a rate, a shape and perhaps a loss; all else waits until somebody looks.

Two functions over local names instead of methods: between two steps whatever is not used leaves the processor's caches, so a step pays
for every object on the way from the hook to a number (.1 µs each), and the way through `fit.meter` and `fit.run.rates` is twice as long.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lightning_scaling.callbacks.rates import MOST_NEW

if TYPE_CHECKING:
    from lightning_scaling.callbacks.fit import Fit

Step = Callable[[Any], None]
Batch = Callable[[Any, Any], bool]


def no_step(optimizer: Any) -> None:
    """Nothing is watched."""


def no_batch(outputs: Any, batch: Any) -> bool:
    """Nothing is watched."""
    return False


def step_of(fit: "Fit") -> Step:
    """For an optimiser that is about to step: its rate, if it is the one followed and its rate is a number of the host."""
    followed, planning, rates = fit.followed, fit.planning, fit.run.rates
    new = rates.new

    def step(optimizer: Any) -> None:
        if followed is None or optimizer is followed:
            rate = optimizer.param_groups[0]["lr"]
            new.append(rate if isinstance(rate, float) else planning.rate_of_tensor)
            if len(new) >= MOST_NEW:
                rates.settle()

    return step


def batch_of(fit: "Fit") -> Batch:
    """For a batch that was trained; True when a point of the training loss is due."""
    place, known, look = fit.meter.place, fit.meter.known, fit.meter.look
    losses, rates = fit.training_loss, fit.run.rates

    def batch(outputs: Any, batch: Any) -> bool:
        try:
            ids = place(batch)
            known[type(batch), type(ids), ids.shape, ids.dtype].times += 1
        except Exception:
            look(batch)
        return losses is not None and losses.add(outputs) and losses.due(rates.steps)

    return batch
