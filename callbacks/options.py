"""What a user can ask of the monitor, checked when the monitor is made."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lightning_scaling.callbacks.stopping import verdicts
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule

FLOPS_RULES = ("6N", "6N+attention", "measured")
CONVENTIONS = ("total", "non_embedding")


@dataclass(frozen=True)
class Options:
    """The arguments of `ScalingLawMonitor`; it documents them."""

    store: str | None
    experiment: str
    run_name: str | None
    monitor: str
    params: str | int
    flops: str | Callable[[Any], int]
    tokens: str | Callable[[Any], int] | None
    mask: bool
    tokenizer: str | None
    unique_tokens: float | None
    family: str | None
    siblings: Sequence[Curve] | None
    law: Any
    schedule: Schedule | None
    economics: Any
    optimizer: int
    stop: bool | str | Iterable[str] | None
    level: float
    declared: Mapping[str, Any] | None
    summary: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "siblings", None if self.siblings is None else tuple(self.siblings))
        object.__setattr__(self, "declared", dict(self.declared or {}))
        _check_counting(self)
        _check_rest(self)
        object.__setattr__(self, "stop", verdicts(self.stop))


def _check_counting(options: Options) -> None:
    if options.params not in CONVENTIONS and not _is_count(options.params):
        raise ValueError(f"params must be one of {CONVENTIONS} or the number of parameters, got {options.params!r}")
    if not callable(options.flops) and options.flops not in FLOPS_RULES:
        raise ValueError(f"flops must be one of {FLOPS_RULES} or a callable of the batch, got {options.flops!r}")
    if not (options.tokens is None or options.tokens == "samples" or callable(options.tokens)):
        raise ValueError(f"tokens must be a callable of the batch, 'samples' or None, got {options.tokens!r}")
    if options.unique_tokens is not None and not options.unique_tokens > 0:
        raise ValueError(f"unique_tokens must be positive, got {options.unique_tokens}")


def _check_rest(options: Options) -> None:
    if not isinstance(options.monitor, str) or not options.monitor:
        raise ValueError(f"monitor must be the name of a logged metric such as 'val_loss', got {options.monitor!r}")
    if not 0 < options.level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {options.level}")
    if options.optimizer < 0:
        raise ValueError(f"optimizer is the index of the one whose rate is followed, got {options.optimizer}")
    if not all(isinstance(s, Curve) for s in options.siblings or ()):
        raise ValueError("siblings must be finished Curves; records have theirs in record.curve")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
