"""A `Callback` base that trainers of `lightning.pytorch` and of `pytorch_lightning` both take for their own.

The two packages hold the same code twice, so an instance of one's `Callback` fails the other's `isinstance`, and a bare
`callbacks=monitor` is then taken for a list. A class with both bases passes in both. Importing a second Lightning costs .2–.3 s
and may fail where only one is kept up to date, so only packages that the program itself has loaded become bases: those loaded at
import, and once more whenever a monitor is made, because `from lightning_scaling…` sorts before `import pytorch_lightning`.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lightning_scaling.callbacks.attached_run import AttachedRun

PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def _installed(package: str) -> bool:
    return find_spec(package.partition(".")[0]) is not None


def loaded_bases() -> tuple[type, ...]:
    """`Callback` of every Lightning package that this program has loaded; the first installed one where none is.

    Raises:
        ImportError: neither package is installed.
    """
    names = [p for p in PACKAGES if p in sys.modules] or [p for p in PACKAGES if _installed(p)][:1]
    if not names:
        raise ImportError("ScalingLawMonitor needs a Lightning: pip install lightning (or pytorch-lightning)")
    return tuple(import_module(f"{name}.callbacks").Callback for name in names)


if TYPE_CHECKING:
    from lightning.pytorch.callbacks import Callback as LightningCallback
else:
    LightningCallback = type("LightningCallback", loaded_bases(), {})


class Callback(AttachedRun, LightningCallback):
    """Base of this package's callbacks."""

    def __new__(cls, *_: Any, **__: Any) -> "Callback":
        _adopt_new_bases()
        return super().__new__(cls)


def _adopt_new_bases() -> None:
    missing = tuple(base for base in loaded_bases() if not issubclass(LightningCallback, base))
    if missing:
        LightningCallback.__bases__ += missing
