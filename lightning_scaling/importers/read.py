"""Any file, folder, glob or stream as the runs in it: the one door through which curves come in."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from lightning_scaling.importers.assemble import assemble
from lightning_scaling.importers.beside import facts_beside
from lightning_scaling.importers.found_files import FoundFile, found_files
from lightning_scaling.importers.frame import Frame
from lightning_scaling.importers.gather import Columns, gather
from lightning_scaling.importers.importer import Importer, importer_for
from lightning_scaling.importers.options import Options
from lightning_scaling.importers.reading import Reading
from lightning_scaling.importers.runs_as_records import is_runs_table
from lightning_scaling.importers.runs_table import read_table
from lightning_scaling.importers.source import Source
from lightning_scaling.importers.tally import Tally

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


def read_each(path: str, options: Options = _DEFAULT) -> Iterator[Reading | ValueError]:
    """Every run that a path names, or the reason why one could not be read."""
    for found_file in found_files(path):
        yield from read_file(found_file, options)


def read_file(found_file: FoundFile, options: Options = _DEFAULT) -> Iterator[Reading | ValueError]:
    """Every run of a file that was found, or the reason why one could not be read."""
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


def _open(found_file: FoundFile, options: Options) -> _Opened:
    sources = [Source(file) for file in found_file.files]
    importer = importer_for(sources[0], options.kind, options.pattern)
    tally = Tally()
    columns = gather(_frames(sources, importer, options, tally), options)
    name = sources[0].name if len(sources) == 1 else found_file.name
    if not columns:
        have = f" among {', '.join(tally.columns[:12])}" if tally.columns else ""
        why = f" ({tally})" if tally.skipped else ""
        raise ValueError(f"{name}: no row with a loss{have}{why}; name its column with --loss-column, or give --pattern for a text log")
    facts, remarks = facts_beside(sources[0].folder)
    for fact, value in facts.items():
        tally.facts.setdefault(fact, value)
    for text in remarks:
        tally.remark(text)
    kind, first_step = _kind(importer, sources[0], tally)
    return _Opened(name, columns, kind, first_step, tally)


def _refuse_table(found_file: FoundFile, options: Options) -> None:
    """A table of finished runs is no curve, though its tokens would pass for a clock; where all are of one size it may be a log."""
    if options.kind is not None or options.pattern is not None or len(found_file.files) > 1:
        return
    source = Source(found_file.files[0])
    if source.head and is_runs_table(source):
        sizes = len(set(read_table(source.path).params))
        if sizes > 1:
            raise ValueError(
                f"{source.name} is a table of finished runs of {sizes} sizes, not the log of one: `fit`, `report` and `import` take it; "
                "if it is a log, name its kind with --from"
            )


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:5]) + (", …" if len(listed) > 5 else "")


def _frames(sources: list[Source], importer: Importer, options: Options, tally: Tally) -> Iterator[Frame]:
    for source in sources:
        yield from importer.read(source, options, tally)


def _kind(importer: Importer, source: Source, tally: Tally) -> tuple[str, int]:
    """(kind in words, number of the first step): Lightning's loggers count steps from 0."""
    if importer.kind == "csv" and {"epoch", "step"} <= set(tally.columns) and source.path.rsplit("/", 1)[-1] == "metrics.csv":
        return "metrics of Lightning's CSVLogger", 0
    of_transformers = {"learning_rate", "grad_norm"} <= set(tally.columns)  # its callbacks for the same stores count from 1
    logged = importer.kind in ("tensorboard", "mlflow") and "epoch" in tally.columns and not of_transformers
    if "trainer/global_step" in tally.columns or logged:
        return tally.kind or importer.what, 0
    return tally.kind or importer.what, importer.first_step
