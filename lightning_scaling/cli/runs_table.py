"""The table of finished runs that `fit` is given."""

from lightning_scaling.importers.runs_table import RunsTable, read_table

__all__ = ["RunsTable", "read_runs"]


def read_runs(path: str) -> RunsTable:
    """The runs in the file; ValueError in one line for a file, a column or a cell that cannot be read."""
    return read_table(path)
