"""An average of recent weights beside a training, and its loss: what a decay of the rate would bring, measured while the rate is high.

The average reaches over the last twentieth of the steps so far (time constant .05·t). Its loss is that after a real decay over as many
steps. It is evaluated in place of the weights, which are put back exactly, also when the evaluation raises.
"""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.options import Options

SHARE = 0.05  # of the steps so far
SPARSE = 0.002  # of the steps so far between two updates: 25 within a time constant lose nothing
HOST_EVERY = 16  # steps between updates of an average in host memory
RATIO = 1.25  # of the steps between two evaluations
FIRST = 0.04  # of the budget, before which nothing is evaluated
FEWEST = 40  # steps before which nothing is evaluated where the budget is not known
SETTLED = 3.0  # time constants after which an average that began late counts
ROOM = 3.0  # times the weights must be free on the device for "auto" to keep the average there
PLACES = ("device", "host")


class WeightAverage:
    """The average of the trained parameters of a model.

    Args:
        model: whose parameters are averaged.
        place: "device": where the parameters are; "host": in host memory, updated every 16 steps.
        step: optimiser steps made so far.

    Raises:
        ValueError: a model that cannot be averaged, with the reason.
    """

    def __init__(self, model: Any, place: str, step: int = 0) -> None:
        if reason := unsupported(model):
            raise ValueError(reason)
        self._weights = [p for p in model.parameters() if p.requires_grad]
        self._every = HOST_EVERY if place == "host" else 1
        self._average = [self._kept(p) for p in self._weights]
        self.started = self.step = self._updated = step
        self._evaluated = 0

    def _kept(self, weight: Any) -> Any:
        """A copy in single precision at least: half precision cannot hold what one step adds to an average."""
        import torch

        precise = weight.dtype if weight.dtype in (torch.float32, torch.float64) else torch.float32
        return weight.detach().to("cpu" if self._every > 1 else weight.device, precise, copy=True)

    def update(self, steps: int = 1) -> None:
        """The weights have made `steps` optimiser steps."""
        import torch

        self.step += steps
        since = self.step - self._updated
        if since < max(self._every, SPARSE * self.step):
            return
        self._updated = self.step
        now = [w.detach() for w in self._weights]
        if any(a.dtype != w.dtype or a.device != w.device for a, w in zip(self._average, now, strict=True)):
            now = [w.to(a.device, a.dtype) for a, w in zip(self._average, now, strict=True)]
        torch._foreach_lerp_(self._average, now, min(1.0, since / max(1.0, SHARE * self.step)))

    def due(self, budget: float | None) -> bool:
        """Whether the average is worth an evaluation now: about a dozen times a run, evenly in log steps; never soon after a late start."""
        settled = self.started == 0 or self.step - self.started >= SETTLED * SHARE * self.step
        first = FEWEST if not budget else max(FIRST * budget, 1)
        return settled and self.step >= max(first, RATIO * self._evaluated)

    def evaluated(self) -> None:
        """An evaluation was made now."""
        self._evaluated = self.step

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model holds the average inside; outside it holds its weights again, bit by bit."""
        import torch

        kept: list[Any] = []
        with torch.no_grad():
            try:
                for weight, average in zip(self._weights, self._average, strict=True):
                    kept.append(weight.detach().to(average.device, copy=True))
                    weight.copy_(average)
                yield
            finally:
                for weight, value in zip(self._weights, kept, strict=False):
                    weight.copy_(value)


def warn_of_averaging(options: Options, guard: Guard) -> None:
    """For trainers whose validation the monitor cannot repeat: `averaging` is left out with a word."""
    if options.averaging is not None:
        guard.warn("averaging", "averaging=... is left out: it measures under Lightning, and in loops that call averaged(validate)")


def unsupported(model: Any) -> str | None:
    """Why an average of this model's weights cannot be evaluated, None where it can."""
    kinds = sorted({type(m).__name__ for m in model.modules() if getattr(m, "running_mean", None) is not None})
    if kinds:
        return f"{', '.join(kinds)} keeps running statistics of the weights as they are, which do not fit their average"
    weights = [p for p in model.parameters() if p.requires_grad]
    if not weights:
        return "no parameter is trained"
    odd = sorted({type(w).__name__ for w in weights} - {"Parameter", "Tensor"} | {"meta" for w in weights if w.device.type == "meta"})
    if odd:
        return f"the parameters are split over processes or not there yet ({', '.join(odd)})"
    return None


def place_of(asked: str, model: Any) -> str:
    """Where "auto" keeps the average: on the device where there is room for three copies of the weights, else in host memory."""
    import torch

    if asked in PLACES:
        return asked
    weights = [p for p in model.parameters() if p.requires_grad]
    if not weights or weights[0].device.type != "cuda":
        return "device"
    free, _ = torch.cuda.mem_get_info(weights[0].device)
    return "device" if free > ROOM * sum(w.numel() * w.element_size() for w in weights) else "host"


@contextmanager
def undisturbed(model: Any) -> Iterator[None]:
    """Random states, buffers, metrics and plain attributes of the model's modules are afterwards what they were before."""
    import torch

    cuda = [torch.cuda.current_device()] if torch.cuda.is_available() else []
    python, numpy = random.getstate(), np.random.get_state()
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=cuda))
        stack.callback(np.random.set_state, numpy)
        stack.callback(random.setstate, python)
        for module in model.modules():
            stack.callback(_put_back(vars(module)))
        yield


def _put_back(held: dict[str, Any]) -> Callable[[], None]:
    """A function that gives a module's attributes the values and contents of now; parameters are left to the average."""
    import torch

    bound = dict(held)
    buffers = dict(held.get("_buffers", {}))
    tensors = [(t, t.detach().clone()) for t in _tensors([*bound.values(), *buffers.values()])]
    plain = {name: value.copy() for name, value in bound.items() if type(value) in (list, dict, set) and name != "_parameters"}

    def restore() -> None:
        for name in set(held) - set(bound):
            del held[name]
        held.update(bound)
        for name, contents in plain.items():
            _refill(bound[name], contents)
        with torch.no_grad():
            for tensor, value in tensors:
                if tensor.shape == value.shape:
                    tensor.copy_(value)

    return restore


def _refill(kept: Any, contents: Any) -> None:
    kept.clear()
    kept.extend(contents) if isinstance(kept, list) else kept.update(contents)


def _tensors(values: Iterable[Any]) -> list[Any]:
    import torch

    flat = [each for value in values for each in (value if type(value) is list else [value])]
    return [t for t in flat if isinstance(t, torch.Tensor) and not isinstance(t, torch.nn.Parameter)]
