"""The function that builds a cell's model, data and trainer arguments, found by its import path.

It takes a `Cell` and the design's `arguments`, and returns (LightningModule, DataModule or (train, validation) loaders, Trainer arguments).
It may carry three functions of its own as attributes: `params_of(size, **arguments)` counts N of a size, `nearest(params, **arguments)`
gives the size that is nearest to N, and `fingerprint(**arguments)` is text that changes when the data do.
"""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Builder = Callable[..., tuple[Any, Any, dict[str, Any]]]


def load_builder(path: str) -> Builder:
    """The function at `module:function`; the current folder counts as a place of modules.

    Raises:
        ValueError: no such module or function, in one line.
    """
    module_name, _, function = path.partition(":")
    if not module_name or not function:
        raise ValueError(f"{path!r} is no import path; write it like my_package.models:build")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ValueError(f"{path!r}: no module {error.name!r}; install it, or call this from the folder it lies in") from None
    except Exception as error:
        raise ValueError(f"{path!r}: importing {module_name} failed: {type(error).__name__}: {error}") from None
    builder = getattr(found, function, None)
    if not callable(builder):
        raise ValueError(f"{path!r}: {module_name} has no function {function!r}")
    return builder  # type: ignore[no-any-return]
