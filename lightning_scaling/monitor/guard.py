"""Monitoring may fail, training may not: whatever goes wrong in a part of the monitor is one warning, and that part is switched off.

Warnings and lines go to the terminal of the first process only.
"""

import functools
import os
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")


def first_process() -> bool:
    """Whether this process is the one that speaks, as the launchers number them."""
    rank = next((os.environ[name] for name in RANKS if os.environ.get(name)), "0")
    return rank == "0"


def report(text: str) -> None:
    """Print a line to the terminal, in the first process."""
    if first_process():
        print(f"scaling: {text}", flush=True)


class Guard:
    """Runs the parts of a monitor so that none of them can end a training.

    >>> import warnings
    >>> guard = Guard()
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     answers = [guard.run("the forecast", lambda: 1 / 0, default=-1) for _ in range(3)]
    >>> answers, len(caught), guard.off
    ([-1, -1, -1], 1, {'the forecast'})
    """

    def __init__(self) -> None:
        self.off: set[str] = set()
        self._warned: set[str] = set()

    def run(self, part: str, do: Callable[[], T], default: T) -> T:
        """`do()`, or `default` where it fails or the part has failed before."""
        if part in self.off:
            return default
        try:
            return do()
        except Exception as error:
            self.switch_off(part, error)
            return default

    def attempt(self, part: str, do: Callable[[], object]) -> None:
        """`do()` for its effect."""
        self.run(part, do, None)

    def switch_off(self, part: str, error: BaseException) -> None:
        """The part has failed: one warning with the cause."""
        self.off.add(part)
        self.warn(part, f"{part} failed and is switched off, training continues ({type(error).__name__}: {error})")

    def warn(self, kind: str, text: str) -> None:
        """Warn, unless something of this kind was warned of before."""
        if kind in self._warned:
            return
        self._warned.add(kind)
        if first_process():
            _warn(f"scaling: {text}")


def guarded(hook: Callable[..., None]) -> Callable[..., None]:
    """A hook of a trainer that never raises: a failure is one warning of `self._guard`, and the hook is switched off."""
    part = f"the hook {hook.__name__}"

    @functools.wraps(hook)
    def run(self: Any, *given: Any, **named: Any) -> None:
        if part not in self._guard.off:
            try:
                hook(self, *given, **named)
            except Exception as error:
                self._guard.switch_off(part, error)

    return run


def _warn(text: str) -> None:
    try:
        warnings.warn(text, UserWarning, stacklevel=5)
    except UserWarning:  # with warnings turned into errors this one would end the training after all
        print(text, flush=True)
