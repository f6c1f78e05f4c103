"""What one training step really multiplies, counted once on a copy of the model that holds shapes and no data.

torch's FlopCounterMode sees every product on the meta device; on real CPU tensors it misses fused attention. A small model whose step looks
at values (graphs do) is counted on a copy with data all the same. The copy shares nothing with the model that is trained, and the states of
the random generators are put back.
"""

import copy
import inspect
import logging
import random
import sys
import warnings
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.accounting.batches import fields, is_tensor, step_fetches
from lightning_scaling.accounting.without_trainer import detach

SMALL = 2_000_000  # weights of a model that may be copied with its data


@dataclass(frozen=True)
class Measured:
    """FLOPs of one step: the model's, and the hardware's with what was computed again; 0 and the reason where it could not be counted."""

    model: int = 0
    hardware: int = 0
    error: str = ""


def measure_step(module: Any, batch: Any) -> Measured:
    """FLOPs of `module.training_step(batch, 0)` (of `module(batch)` or `module(**batch)` for a plain module), forward and backward."""
    if batch is None:
        return Measured(error="no batch was given")
    attempts: list[Callable[[], Measured]] = [
        lambda: _attempt(module, lambda: (_on_meta(module), _batch_on_meta(batch)), ExitStack()),
        # Models that look at values unless they are being traced do without under fake tensors (transformers' masks, for one).
        lambda: _attempt(module, lambda: (_on_meta(module), _batch_on_meta(batch)), _fake()),
    ]
    if sum(p.numel() for p in module.parameters()) <= SMALL:
        attempts.append(lambda: _attempt(module, lambda: (_on_cpu(module), _on_cpu(batch)), _unfused()))
    steps = []
    for attempt in attempts:
        steps.append(attempt())
        if not steps[-1].error:
            return steps[-1]
    return steps[0]


def _attempt(module: Any, copies: Callable[[], tuple[Any, Any]], mode: Any) -> Measured:
    try:
        with _undisturbed(), mode:
            return _count(*copies(), module)
    except Exception as error:  # whatever the user's step does on shapes alone: data-dependent flow, a trainer it asks for
        return Measured(error=f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")


def _fake() -> Any:
    from torch._subclasses.fake_tensor import FakeTensorMode

    return FakeTensorMode(allow_non_fake_inputs=True)


def _unfused() -> Any:
    from torch.nn.attention import SDPBackend, sdpa_kernel

    return sdpa_kernel(SDPBackend.MATH)


def _on_cpu(thing: Any) -> Any:
    copied = copy.deepcopy(thing)
    return copied.to("cpu") if hasattr(copied, "to") else copied


def _count(model: Any, batch: Any, module: Any) -> Measured:
    import torch

    with torch.enable_grad(), _step_counter() as counter:
        if hasattr(model, "manual_backward"):
            detach(model, module, counter.backward)
        answer = _step(model, batch)
        if getattr(model, "automatic_optimization", True) and (loss := _loss(answer)).requires_grad:
            counter.backward(loss)
    return Measured(counter.model, counter.model + counter.again)


def _step_counter() -> Any:
    """torch's FlopCounterMode with `backward(loss)`, and with `model` and `again`: FLOPs that are needed, and that are done twice.

    Activation checkpointing runs parts of the forward pass again inside backward. There gradients are switched on, which backward's own
    products never need, so the mode of autograd separates the two.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    class StepCounter(FlopCounterMode):
        def __init__(self) -> None:
            super().__init__(display=False)
            self.again = 0
            self._backward = False

        def backward(self, loss: Any) -> None:
            self._backward = True
            try:
                loss.sum().backward()
            finally:
                self._backward = False

        @property
        def model(self) -> int:
            return int(self.get_total_flops()) - self.again

        def _count_flops(self, func_packet: Any, out: Any, args: Any, kwargs: Any) -> Any:
            before = self.get_total_flops()
            result = super()._count_flops(func_packet, out, args, kwargs)  # type: ignore[no-untyped-call]
            if self._backward and torch.is_grad_enabled():
                self.again += int(self.get_total_flops() - before)
            return result

    return StepCounter()


def _step(model: Any, batch: Any) -> Any:
    if not hasattr(model, "training_step"):
        return model(**batch) if isinstance(batch, Mapping) and _takes_names(model, batch) else model(batch)
    if step_fetches(model.training_step):
        return model.training_step(iter([(batch, 0, 0)]))
    several = len(inspect.signature(model.training_step).parameters) > 1
    return model.training_step(batch, 0) if several else model.training_step(batch)


def _takes_names(model: Any, batch: Mapping[str, Any]) -> bool:
    parameters = inspect.signature(model.forward).parameters
    return any(each.kind is each.VAR_KEYWORD for each in parameters.values()) or bool(set(batch) & set(parameters))


def _loss(answer: Any) -> Any:
    if isinstance(answer, Mapping):
        answer = answer["loss"]
    answer = getattr(answer, "loss", answer)
    return answer[0] if isinstance(answer, tuple | list) else answer


def _on_meta(module: Any) -> Any:
    """A copy whose tensors have shapes only; it costs no memory. Compiled layers are taken as they were before."""
    from torch import nn

    memo: dict[int, Any] = {id(p): nn.Parameter(_empty(p), requires_grad=p.requires_grad) for p in module.parameters() if p is not None}
    memo |= {id(b): _empty(b) for b in module.buffers()}
    copied = copy.deepcopy(module, memo)
    for layer in list(copied.modules()):
        for name, child in list(layer._modules.items()):
            inner = getattr(child, "_orig_mod", getattr(child, "_checkpoint_wrapped_module", child))
            layer._modules[name] = inner
        config: Any = getattr(layer, "config", None)
        if hasattr(config, "_experts_implementation"):
            config._experts_implementation = "batched_mm"  # transformers: the one way through experts that needs no values
    return copied


def _empty(tensor: Any) -> Any:
    import torch

    from lightning_scaling.accounting.weights import full_shape

    return torch.empty(full_shape(tensor), dtype=tensor.dtype, device="meta")


def _batch_on_meta(batch: Any) -> Any:
    import torch

    if isinstance(batch, torch.Tensor):
        return torch.empty_like(batch, device="meta", requires_grad=batch.requires_grad)
    parts = fields(batch)
    if parts is None or is_tensor(batch):
        return batch
    if isinstance(parts, list):
        return type(batch)([_batch_on_meta(part) for part in parts])
    moved = {name: _batch_on_meta(part) for name, part in parts.items()}
    return type(batch)(**moved) if hasattr(batch, "_fields") else _refilled(batch, moved)


def _refilled(batch: Any, moved: dict[str, Any]) -> Any:
    """The same kind of container with other parts; the batch itself is not written to."""
    if isinstance(batch, Mapping) and (type(batch) is dict or not isinstance(batch, dict | UserDict)):
        return moved
    other = copy.copy(batch)
    for name, part in moved.items():
        if isinstance(batch, Mapping):
            other[name] = part
        else:
            object.__setattr__(other, name, part)
    return other


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Random generators as they were, no warning or log from the copy, no compiler in between."""
    import torch

    log = logging.getLogger("torch._subclasses.fake_tensor")
    was, log.disabled = log.disabled, True
    python, numpy_state = random.getstate(), np.random.get_state()
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(_quiet())
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):  # its import alone costs seconds
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        try:
            yield
        finally:
            log.disabled = was
            random.setstate(python)
            np.random.set_state(numpy_state)


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
