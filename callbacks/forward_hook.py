"""The batches of a model whose trainer does not show them: a forward pre-hook hands over what every training pass is given."""

import inspect
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import torch

NOT_INPUTS = ("num_items_in_batch",)  # arguments of transformers.Trainer beside the batch


class ForwardHook:
    """A forward pre-hook that hands over the batch of every training pass. A copy of the model carries one that does nothing.

    Args:
        take: bound method that takes the batch; held weakly, so that a model does not keep its monitor alive.
    """

    def __init__(self, take: Callable[[dict[str, Any]], None] | None = None) -> None:
        self.take = weakref.WeakMethod(take) if take is not None else lambda: None

    def __call__(self, module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        _hand_over(self, module, given, named)

    def __reduce__(self) -> Any:
        return (ForwardHook, ())


@torch.compiler.disable  # type: ignore[untyped-decorator]  # a compiled model would run this once, when it is traced
def _hand_over(hook: ForwardHook, module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> None:
    take = hook.take()
    if take is not None and module.training and torch.is_grad_enabled():
        take(_batch_of(module, given, named))


def _batch_of(module: Any, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    names = inspect.signature(module.forward).parameters if given else ()
    together = {**dict(zip(names, given, strict=False)), **named}
    return {name: value for name, value in together.items() if value is not None and name not in NOT_INPUTS}


_WATCHED: "weakref.WeakKeyDictionary[Any, tuple[Any, list[Any]]]" = weakref.WeakKeyDictionary()  # model → its trainer's state, hooks


def watch_forward(model: Any, state: Any, take: Callable[[dict[str, Any]], None]) -> None:
    """Hand every training batch of the model to `take`. Hooks of an earlier training, which ended in an error, are taken off."""
    if _WATCHED.get(model, (state,))[0] is not state:
        stop_watching(model)
    hook = model.register_forward_pre_hook(ForwardHook(take), with_kwargs=True)
    _WATCHED.setdefault(model, (state, []))[1].append(hook)


def stop_watching(model: Any) -> None:
    """Take off the hooks of this model's training."""
    for hook in _WATCHED.pop(model, (None, []))[1]:
        hook.remove()
