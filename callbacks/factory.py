"""The monitor on every `Trainer()` with no change of code: `LIGHTNING_SCALING=1` in the environment.

Lightning calls this (entry-point groups `lightning.pytorch.callbacks_factory` and `pytorch_lightning.callbacks_factory`) whenever a
trainer is made. It is off by default, imports nothing while it is off, and never raises: a broken monitor must not keep anybody from
training. A monitor attached by hand goes first, see `ScalingLawMonitor.on_train_start`.

Options are read from LIGHTNING_SCALING_STORE, _EXPERIMENT, _RUN_NAME, _MONITOR, _PARAMS, _FLOPS, _TOKENIZER, _FAMILY, _UNIQUE_TOKENS
and _STOP, as the arguments of `ScalingLawMonitor` of the same names.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

SWITCH = "LIGHTNING_SCALING"
TEXTS = ("store", "experiment", "run_name", "monitor", "flops", "tokenizer", "family")


def callbacks() -> list[Any]:
    """The monitor if the environment asks for one, else nothing."""
    if os.environ.get(SWITCH, "").strip().lower() in ("", "0", "false", "no", "off"):
        return []
    try:
        return [_automatic(options(os.environ))]
    except Exception as error:
        import warnings

        warnings.warn(f"scaling: {SWITCH} is set, but no monitor could be attached: {error}", UserWarning, stacklevel=2)
        return []


def options(environment: Mapping[str, str]) -> dict[str, Any]:
    """The arguments that the environment gives.

    Raises:
        ValueError: a number that is none.

    >>> options({"LIGHTNING_SCALING_FAMILY": "gpt", "LIGHTNING_SCALING_UNIQUE_TOKENS": "1e9"})
    {'family': 'gpt', 'unique_tokens': 1000000000.0}
    """
    readers: dict[str, Callable[[str], Any]] = dict.fromkeys(TEXTS, str) | {"unique_tokens": float, "params": _params, "stop": _names}
    given = {name: environment.get(f"{SWITCH}_{name.upper()}") for name in readers}
    return {name: readers[name](text) for name, text in given.items() if text}


def _params(text: str) -> str | int:
    return int(float(text)) if text[0].isdigit() else text


def _names(text: str) -> tuple[str, ...]:
    return ("STOP",) if text == "1" else tuple(name.strip() for name in text.split(","))


def _automatic(arguments: dict[str, Any]) -> Any:
    from lightning_scaling.callbacks.monitor import ScalingLawMonitor

    monitor = ScalingLawMonitor(**arguments)
    monitor.automatic = True
    return monitor
