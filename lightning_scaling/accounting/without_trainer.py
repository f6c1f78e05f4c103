"""A copy of a LightningModule takes a training step without its trainer: plain values are read off it, optimisers and logs do nothing.

Under manual optimisation a step asks for its optimisers, goes backward and steps by itself. Here it goes backward only.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

PLAIN = (bool, int, float, str, type(None))


def idle_optimizer(groups: list[dict[str, Any]], weights: list[Any]) -> Any:
    """In place of an optimiser or a scheduler: runs a closure, changes nothing.

    Args:
        groups: its settings, as far as they are plain values.
        weights: those of the copy that it holds.
    """
    from torch.optim import Optimizer

    class IdleOptimizer(Optimizer):  # training steps ask what it is
        def __init__(self) -> None:
            self.param_groups, self.weights = groups, weights

        def step(self, closure: Any = None, **_: Any) -> Any:
            return closure() if callable(closure) else None

        def zero_grad(self, *_: Any, **__: Any) -> None:
            pass

        def __getattr__(self, name: str) -> Callable[..., Any]:
            return lambda *_, **__: nullcontext()

    return IdleOptimizer()


class ReadableTrainer:
    """The plain values of a trainer (world_size, max_epochs, …); anything else is refused, as it might act."""

    def __init__(self, trainer: Any) -> None:
        self._trainer = trainer

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._trainer, name)
        if isinstance(value, PLAIN):
            return value
        raise AttributeError(f"the training step asks its trainer for {name}")


def detach(copied: Any, module: Any, backward: Callable[[Any], None]) -> None:
    """Let `copied`, a copy of `module` with weights in the same order, answer without a trainer.

    Args:
        copied: changed in place.
        module: the LightningModule in training, or one without a trainer.
        backward: called with the loss of a `manual_backward`.
    """
    for name in ("log", "log_dict", "print", "clip_gradients"):
        setattr(copied, name, _nothing)
    copied.manual_backward = lambda loss, *_, **__: backward(loss)
    trainer = getattr(module, "_trainer", None)
    own = {id(p): q for p, q in zip(module.parameters(), copied.parameters(), strict=True)}
    idle = [_idle(each, own) for each in getattr(trainer, "optimizers", None) or ()]
    copied.optimizers = lambda **_: idle[0] if len(idle) == 1 else idle
    schedulers = [idle_optimizer([], []) for _ in getattr(trainer, "lr_scheduler_configs", None) or ()]
    copied.lr_schedulers = lambda: schedulers[0] if len(schedulers) == 1 else schedulers or None
    _toggle(copied)
    if trainer is not None:
        copied._trainer = ReadableTrainer(trainer)


def _nothing(*_: Any, **__: Any) -> None:
    pass


def _idle(optimizer: Any, own: dict[int, Any]) -> Any:
    groups = [{k: v for k, v in group.items() if isinstance(v, PLAIN)} for group in optimizer.param_groups]
    return idle_optimizer(groups, [own[id(p)] for group in optimizer.param_groups for p in group["params"] if id(p) in own])


def _toggle(copied: Any) -> None:
    """`toggle_optimizer` stops the gradients of weights that the optimiser does not hold, until `untoggle_optimizer`."""
    trained = [p for p in copied.parameters() if p.requires_grad]

    def toggle(optimizer: Any) -> None:
        held = {id(p) for p in optimizer.weights}
        for weight in trained:
            weight.requires_grad_(id(weight) in held)

    def untoggle(*_: Any) -> None:
        for weight in trained:
            weight.requires_grad_(True)

    copied.toggle_optimizer, copied.untoggle_optimizer = toggle, untoggle
