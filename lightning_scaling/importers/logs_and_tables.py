"""Any path as runs: logs of one run or several, and tables of finished runs among them, whatever the format of each."""

from collections.abc import Iterator

from lightning_scaling.importers.found_files import FoundFile, found_files
from lightning_scaling.importers.options import Options
from lightning_scaling.importers.read import read_file
from lightning_scaling.importers.reading import Reading
from lightning_scaling.importers.runs_as_records import is_runs_table
from lightning_scaling.importers.runs_table import RunsTable, read_table
from lightning_scaling.importers.source import Source

Read = Reading | RunsTable


def logs_and_tables(path: str, options: Options) -> Iterator[Read | ValueError]:
    """Every log and every table that a path names, or the reason why one could not be read.

    A kind or a pattern that the user states is that of a log.
    """
    for file in found_files(path):
        if _is_table(file, options):
            yield _table(file, options)
        else:
            yield from read_file(file, options)


def _is_table(file: FoundFile, options: Options) -> bool:
    if len(file.files) > 1 or options.kind is not None or options.pattern is not None:
        return False
    try:
        return is_runs_table(Source(file.files[0]))
    except ValueError:  # a kind of file that is never read: the reader of logs says why
        return False


def _table(file: FoundFile, options: Options) -> RunsTable | ValueError:
    named = {role: options.columns[role] for role in ("tokens", "loss") if role in options.columns}
    try:
        return read_table(file.files[0], named | ({"run": options.run_column} if options.run_column else {}))
    except ValueError as error:
        return error
