"""Names that a package loads on first use (PEP 562), so that importing it costs nothing and the command line answers at once."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(package: str, places: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of `package`: `places` names which of its modules each name comes from.

    >>> load, listed = lazy("lightning_scaling", {"Schedule": "run.schedule"})
    >>> load("Schedule").__name__, listed()
    ('Schedule', ['Schedule'])
    """

    def load(name: str) -> Any:
        if name in places:
            return getattr(import_module(f"{package}.{places[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return load, lambda: sorted(places)
