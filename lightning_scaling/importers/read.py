"""Any file, folder, glob or stream as the runs in it, logs and tables of finished runs: the one door through which they come in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lightning_scaling.importers.assemble import assemble
from lightning_scaling.importers.column_names import run_by_size
from lightning_scaling.importers.config_beside import facts_beside
from lightning_scaling.importers.found_files import FoundFile, found_files
from lightning_scaling.importers.frame import Tally
from lightning_scaling.importers.gather import Columns, gather
from lightning_scaling.importers.importer import Importer, Options, importer_for, importers
from lightning_scaling.importers.reading import Reading
from lightning_scaling.importers.runs_table import RunsTable, is_runs_table, read_table
from lightning_scaling.importers.source import Source
from lightning_scaling.numbers import parse_count

Read = Reading | RunsTable
_DEFAULT = Options()


@dataclass
class _Opened:
    """The columns of a found file, by run."""

    name: str
    columns: dict[str, Columns]
    kind: str
    first_step: int
    tally: Tally

    def reading(self, run: str, options: Options) -> Reading:
        """One of the runs; ValueError where it has no loss or no clock."""
        tally = self.tally
        own = replace(tally, skipped=dict(tally.skipped), remarks=list(tally.remarks), facts=dict(tally.facts))
        if "params" not in own.facts and (size := run_by_size(run)) is not None and size[0] == run:
            own.facts["params"] = parse_count(run)
            own.remark(f"params {own.facts['params']:g} from the name of the run")
        label = f"{self.name} ({run})" if len(self.columns) > 1 else self.name
        return assemble(self.columns[run], options, own, label, run, self.kind, self.first_step)


def read_run(path: str, options: Options = _DEFAULT) -> Reading:
    """The one run that a path names.

    Raises:
        ValueError: several runs, none, or a file that cannot be read: one line with file, row and remedy.
        OSError: a file that cannot be opened.
    """
    found = found_files(path)
    if len(found) > 1:
        raise ValueError(f"{path} holds {len(found)} runs: {_some(found_file.name for found_file in found)}; give one of them")
    _refuse_table(found[0], options)
    opened = _open(found[0], options)
    runs = list(opened.columns)
    if options.run is not None and options.run not in runs:
        raise ValueError(f"{path}: no run {options.run!r}; there are {_some(map(repr, runs))}")
    if options.run is None and len(runs) > 1:
        raise ValueError(f"{path} holds {len(runs)} runs: {_some(map(repr, runs))}; choose one with --run")
    return opened.reading(runs[0] if options.run is None else options.run, options)


def read_each(path: str, options: Options = _DEFAULT) -> Iterator[Read | ValueError]:
    """Every log and every table of finished runs that a path names, or the reason why one could not be read."""
    for found in found_files(path):
        if _is_table(found, options):
            yield _table(found, options)
        else:
            yield from _logs(found, options)


def _logs(found_file: FoundFile, options: Options) -> Iterator[Reading | ValueError]:
    try:
        opened = _open(found_file, options)
    except ValueError as error:
        yield error
        return
    for run in opened.columns if options.run is None else [options.run]:
        try:
            yield opened.reading(run, options)
        except ValueError as error:
            yield error


def _is_table(file: FoundFile, options: Options) -> bool:
    """Whether it holds a table of runs; a kind or a pattern that the user states is that of a log."""
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


def _open(found_file: FoundFile, options: Options) -> _Opened:
    sources = [Source(file) for file in found_file.files]
    importer = importer_for(sources[0], options.kind, options.pattern)
    columns, tally = _gathered(sources, importer, options)
    if not columns and importer.kind == "csv" and options.kind is None:  # lines of a log may look like a table
        columns, tally, importer = _as_log(sources, options) or (columns, tally, importer)
    name = sources[0].name if len(sources) == 1 else found_file.name
    if not columns:
        have = f" among {', '.join(tally.columns[:12])}" if tally.columns else ""
        why = f" ({tally})" if tally.skipped else ""
        raise ValueError(
            f"{name}: no row with a loss{have}{why}; name its column with --loss-column (one at a time where each is a run), "
            "or give --pattern for a text log"
        )
    facts, remarks = facts_beside(sources[0].folder)
    for fact, value in facts.items():
        tally.facts.setdefault(fact, value)
    for text in remarks:
        tally.remark(text)
    kind, first_step = _kind(importer, sources[0], tally)
    return _Opened(name, columns, kind, first_step, tally)


def _gathered(sources: list[Source], importer: Importer, options: Options) -> tuple[dict[str, Columns], Tally]:
    tally = Tally()
    frames = (frame for source in sources for frame in importer.read(source, options, tally))
    return gather(frames, options), tally


def _as_log(sources: list[Source], options: Options) -> tuple[dict[str, Columns], Tally, Importer] | None:
    log = importers()["text"]
    columns, tally = _gathered(sources, log, options) if log.recognises(sources[0]) else ({}, Tally())
    return (columns, tally, log) if columns else None


def _refuse_table(found_file: FoundFile, options: Options) -> None:
    """A table of finished runs is no curve, though its tokens would pass for a clock; where all are of one size it may be a log."""
    if _is_table(found_file, options) and (sizes := len(set(read_table(found_file.files[0]).params))) > 1:
        raise ValueError(
            f"{Source(found_file.files[0]).name} is a table of finished runs of {sizes} sizes, not the log of one: `fit`, `report` and "
            "`import` take it; if it is a log, name its kind with --from"
        )


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:5]) + (", …" if len(listed) > 5 else "")


def _kind(importer: Importer, source: Source, tally: Tally) -> tuple[str, int]:
    """(kind in words, number of the first step): Lightning's loggers count steps from 0."""
    if importer.kind == "csv" and {"epoch", "step"} <= set(tally.columns) and source.path.rsplit("/", 1)[-1] == "metrics.csv":
        return "metrics of Lightning's CSVLogger", 0
    of_transformers = {"learning_rate", "grad_norm"} <= set(tally.columns)  # its callbacks for the same stores count from 1
    logged = importer.kind in ("tensorboard", "mlflow") and "epoch" in tally.columns and not of_transformers
    if "trainer/global_step" in tally.columns or logged:
        return tally.kind or importer.what, 0
    return tally.kind or importer.what, importer.first_step
