"""Runs that people already have, in files of any program: read by content, every choice reported. The one place that reads files.

Each kind of file is one module with an `IMPORTERS` tuple; other packages add kinds through the entry-point group
`lightning_scaling.importers`.
"""

from typing import TYPE_CHECKING

from lightning_scaling.lazy import lazy

if TYPE_CHECKING:
    from lightning_scaling.importers.importer import Importer, Options
    from lightning_scaling.importers.read import read_each, read_run
    from lightning_scaling.importers.reading import Reading

_LAZY = {"Importer": "importer", "Options": "importer", "Reading": "reading", "read_each": "read", "read_run": "read"}

__all__ = ["Importer", "Options", "Reading", "read_each", "read_run"]

__getattr__, __dir__ = lazy(__name__, _LAZY)
