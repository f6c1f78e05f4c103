"""A FLOP counter that separates model FLOPs from those computed a second time.

Activation checkpointing runs parts of the forward pass again inside backward. There gradients are switched on, which backward's own
products never need, so the mode of autograd separates the two.
"""

from typing import Any


def step_counter() -> Any:
    """torch's FlopCounterMode with `backward(loss)`, and with `model` and `again`: FLOPs that are needed, and that are done twice."""
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
