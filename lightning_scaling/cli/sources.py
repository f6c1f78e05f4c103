"""Runs for `fit` and `report` from wherever they are: logs of any kind, or a store with the metric mapping that `--names` states."""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from lightning_scaling.cli.options import Count, column_options, file_options, mapping_of, names_option
from lightning_scaling.importers import Options, Reading
from lightning_scaling.importers.read import read_each
from lightning_scaling.importers.records import record_of, records_of
from lightning_scaling.importers.runs_table import RunsTable
from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.store.runs import Rejected

if TYPE_CHECKING:
    from lightning_scaling.report.study import Study

_MOST_SHOWN = 5  # readings that are printed in full


def source_options(command: Any) -> Any:
    """Add SOURCE..., --names, --params, --family, --run and the options of columns to a command; `read_sources` takes them."""
    command = column_options(command)
    command = click.option("--run", metavar="NAME", help="Only the run of this name, where a file holds several.")(command)
    command = click.option("--family", metavar="NAME", help="Only with files: name under which these runs are compared.")(command)
    command = click.option("--params", type=Count(), help="Only with files: N, where the files do not hold it.")(command)
    command = names_option(command)
    return click.argument("sources", metavar="[SOURCE]...", nargs=-1)(command)


@dataclass(frozen=True)
class Sources:
    """What a command was given; exactly one of files and a store.

    Raises:
        ValueError: both or neither, or an option that belongs to the other.
    """

    files: tuple[str, ...]
    store: str | None
    experiments: tuple[str, ...]
    names: str | None
    params: int | None
    family: str | None
    options: Options

    def __post_init__(self) -> None:
        stored = self.store is not None or bool(self.experiments)
        if bool(self.files) == stored:
            raise ValueError("give either files of runs, or a store (--store URI, --experiment NAME)")
        if self.files and self.names is not None:
            raise ValueError("--names reads runs of a store; for files give --loss-column, --tokens-per-step and --params")
        if stored and (self.options != Options() or self.params is not None or self.family is not None):
            raise ValueError("--params, --family and the options of columns are for files; for runs of a store give --names")

    @property
    def title(self) -> str:
        """What the runs are called together."""
        return ", ".join(self.experiments or self.files[:3]) + (", …" if len(self.files) > 3 else "") or "all runs"

    def study(self) -> tuple["Study", list[Reading | RunsTable]]:
        """The runs, and how each file was read.

        Raises:
            ValueError: no run in the files, each with its reason; no such store or experiment.
            StoreUnavailable: the store does not answer (an OSError).
        """
        if self.files:
            return _read(self)
        from lightning_scaling.report.study import load_study

        return load_study(self.store, list(self.experiments) or None, mapping=mapping_of(self.names)), []


def read_sources(given: MutableMapping[str, Any], experiments: Sequence[str]) -> Sources:
    """The sources taken out of what a command was given."""
    files, store, names, family = (given.pop(name) for name in ("sources", "store", "names", "family"))
    params = given.pop("params")
    options = file_options(given, given.pop("run"))
    return Sources(tuple(files), store, tuple(experiments), names, None if params is None else int(params), family, options)


def explained(readings: Sequence[Reading | RunsTable]) -> list[str]:
    """How the files were read, two or three lines each; of many the first ones."""
    lines = [line for each in readings[:_MOST_SHOWN] for line in each.lines()]
    more = len(readings) - _MOST_SHOWN
    return lines + ([f"… and {more} more; --json holds how each was read"] if more > 0 else [])


def _read(sources: Sources) -> tuple["Study", list[Reading | RunsTable]]:
    from lightning_scaling.report.study import Study

    found = [each for path in sources.files for each in read_each(path, sources.options)]
    read = [each for each in found if not isinstance(each, ValueError)]
    refused = [str(each) for each in found if isinstance(each, ValueError)]
    if not read:
        raise ValueError("; ".join(refused[:3]) or f"no runs in {', '.join(sources.files)}")
    records = {record.key: record for each in read for record in _records(each, sources)}
    return Study(tuple(records.values()), tuple(Rejected("", "", "", reason) for reason in refused)), read


def _records(read: Reading | RunsTable, sources: Sources) -> list[RunRecord]:
    if isinstance(read, RunsTable):
        return records_of(read, sources.family)
    return [_settled(record_of(read, sources.params, sources.family))]


def _settled(record: RunRecord) -> RunRecord:
    """A log says nothing of a run that is still going: it has reached its end or was interrupted."""
    return replace(record, state=RunState.FINISHED if record.ended else RunState.INTERRUPTED)
