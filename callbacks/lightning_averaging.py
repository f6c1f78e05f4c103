"""Validates the average of recent weights under a Lightning trainer: on batches of the validation that has just ended, twice.

The first batches of a validation are kept (at most a fifth of them, 64 at most, 64 MiB at most). At its end the validation step runs on
them with the weights and with their average, from the same random state, with `self.log` caught: the ratio of the two losses is free of the
sampling noise of the batches. Nothing is logged twice, and metrics, buffers and random states are put back.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from lightning_scaling.callbacks.lightning_trainer import scheduler_calls
from lightning_scaling.monitor.averaging import WeightAverage, place_of, undisturbed
from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.run_monitor import RunMonitor

SHARE, MOST, BYTES = 0.2, 64, 64 * 2**20  # of the validation batches; batches; memory of those kept
LEAST = 4  # batches, where there are so many
LAG = 0.1  # of the steps so far: an average that reaches over more lags behind
NAN = float("nan")
ALONE = ("FSDPStrategy", "DeepSpeedStrategy", "ModelParallelStrategy", "XLAFSDPStrategy")  # parameters live in pieces


class AveragedValidation:
    """Args:
    asked: "auto", "device" or "host".
    trainer, module: of the fit.

    Raises:
        ValueError: this training's weights cannot be averaged, with the reason.
    """

    def __init__(self, asked: str, trainer: Any, module: Any) -> None:
        kind = next((k.__name__ for k in type(trainer.strategy).__mro__ if k.__name__ in ALONE), None)
        if kind is not None:
            raise ValueError(f"{kind} keeps the parameters in pieces")
        self._average = WeightAverage(module, place_of(asked, module), trainer.global_step)
        self._batches: list[tuple[Any, int]] = []
        self._open, self._bytes, self._limit = False, 0, 0
        self.share = 0.0  # of the validation batches that the last evaluation used

    @classmethod
    def of(cls, asked: str, trainer: Any, module: Any, guard: Guard) -> "AveragedValidation | None":
        """For this fit; None with one warning where its weights cannot be averaged, or are averaged already."""
        try:
            if users_average(trainer) is not None:
                raise ValueError("a callback averages the weights already; its loss is used")
            return cls(asked, trainer, module)
        except ValueError as error:
            guard.warn("averaging", f"averaging={asked!r} is left out: {error}")
            return None

    def stepped(self, trainer: Any) -> None:
        """A batch has been trained on; it may have made steps."""
        made = trainer.global_step - self._average.step
        if made > 0:
            self._average.update(made)

    def begin(self, trainer: Any) -> None:
        """A validation begins: keep its first batches if the average is due. The same on every rank."""
        self._batches, self._bytes = [], 0
        steps = scheduler_calls(trainer).end
        counts = trainer.num_val_batches
        total = counts[0] if isinstance(counts, list) and counts else counts
        self._open = self._average.due(steps) and bool(np.isfinite(total)) and total > 0
        self._limit = int(min(max(SHARE * total, LEAST), MOST, total)) if self._open else 0
        self.share = self._limit / total if self._open else 0.0

    def keep(self, batch: Any, index: int, loader: int = 0) -> None:
        """A batch has been validated."""
        if self._open and loader == 0 and len(self._batches) < self._limit:
            self._bytes += _size(batch)
            if self._bytes <= BYTES or not self._batches:
                self._batches.append((batch, index))

    def ratio(self, trainer: Any, module: Any, name: str) -> float:
        """Loss of the averaged weights in that of the weights, on the batches kept; NaN where the step logs no loss of that name."""
        batches, self._batches, self._open = self._batches, [], False
        if not batches:
            return float("nan")
        self._average.evaluated()
        raw = _losses(trainer, module, name, batches)
        with self._average.in_place():
            averaged = _losses(trainer, module, name, batches)
        return float(np.mean(averaged) / np.mean(raw)) if np.mean(raw) > 0 else float("nan")

    @property
    def due(self) -> bool:
        """Whether this validation is one that is evaluated, on every rank alike."""
        return self._limit > 0


def averaged_loss(own: AveragedValidation | None, trainer: Any, run: RunMonitor, name: str, loss: float) -> float | None:
    """Loss of averaged weights at the validation that has just ended, NaN where there is none. Collective where it is due.

    None where the user's own average is validated and has not begun: such a loss is that of the initial weights and no point of the curve.
    """
    if (average := users_average(trainer)) is not None:
        begun = run.guard.run("averaging", lambda: _begun(average, run.guard, trainer.global_step), True)
        return loss if begun else None
    if own is None or not own.due:
        return NAN
    ratio = run.guard.run("the loss of averaged weights", lambda: own.ratio(trainer, trainer.lightning_module, name), NAN)
    ratio = run.ranks.exchange([], ratio)[1]
    if ratio != ratio:
        run.guard.warn("averaging", f"the validation step neither logs {name!r} nor returns a loss: averaged weights cannot be compared")
    return loss * ratio


def users_average(trainer: Any) -> Any | None:
    """The callback that validates an average of its own (`WeightAveraging`, `EMAWeightAveraging`), None where there is none."""
    return next((c for c in trainer.callbacks if any(k.__name__ == "WeightAveraging" for k in type(c).__mro__)), None)


def _begun(average: Any, guard: Guard, step: int) -> bool:
    """Whether the average has been updated: before that the losses are those of the initial weights (Lightning #21724)."""
    model = getattr(average, "_average_model", None)
    if not int(getattr(model, "n_averaged", 1)):
        return False
    steps = _time_constant(average)
    if steps > LAG * step:
        text = f"its average reaches over {steps:.0f} steps, more than a tenth of the {step} made: the loss lags behind the weights"
        guard.warn("lag", f"{type(average).__name__} validates averaged weights; {text}, and forecasts are too low until it does not")
    return True


def _time_constant(average: Any) -> float:
    """Steps that an exponential average reaches over, 0 where it does not show its decay."""
    rule = inspect.unwrap(getattr(average, "_kwargs", {}).get("avg_fn") or print)
    decays = [cell.cell_contents for cell in getattr(rule, "__closure__", None) or () if isinstance(cell.cell_contents, float)]
    return max(getattr(average, "update_every_n_steps", 1), 1) / max(1 - decays[0], 1e-12) if decays else 0.0


def _losses(trainer: Any, module: Any, name: str, batches: list[tuple[Any, int]]) -> list[float]:
    found: list[float] = []
    with undisturbed(module):
        _catch(module, name, found.append)
        for batch, index in batches:
            before = len(found)
            with trainer.precision_plugin.val_step_context():
                output = trainer.strategy.validation_step(batch, index)
            if len(found) == before:
                found.append(_loss_in(output))
    return found


def _catch(module: Any, name: str, take: Callable[[float], None]) -> None:
    """Let `log` and `log_dict` hand over the followed loss and do nothing else; `undisturbed` takes them off again."""
    wanted = name.partition("/dataloader_idx_")[0].removesuffix("_epoch")

    def log(key: str, value: Any, *_: Any, **__: Any) -> None:
        if key == wanted:
            take(_number(value))

    def log_dict(values: Any, *_: Any, **__: Any) -> None:
        for key, value in values.items():
            log(key, value)

    vars(module)["log"], vars(module)["log_dict"] = log, log_dict


def _loss_in(output: Any) -> float:
    """The loss that a validation step returns."""
    return _number(output.get("loss", float("nan")) if isinstance(output, dict) else output)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        return float("nan")


def _size(batch: Any) -> int:
    """Bytes of the tensors in a batch."""
    if hasattr(batch, "element_size"):
        return int(batch.numel() * batch.element_size())
    if isinstance(batch, list | tuple):
        return sum(_size(part) for part in batch)
    held = batch if isinstance(batch, dict) else getattr(batch, "__dict__", {})
    return sum(_size(part) for part in held.values())
