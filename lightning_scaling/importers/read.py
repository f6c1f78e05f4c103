"""Any file, folder, glob or stream as the runs in it: the one door through which curves come in."""

from collections.abc import Iterator
from dataclasses import replace

from lightning_scaling.importers.assemble import assemble
from lightning_scaling.importers.beside import facts_beside
from lightning_scaling.importers.frame import Frame
from lightning_scaling.importers.gather import gather
from lightning_scaling.importers.importer import Importer, importer_for
from lightning_scaling.importers.options import Options
from lightning_scaling.importers.places import Place, places
from lightning_scaling.importers.reading import Reading
from lightning_scaling.importers.source import Source
from lightning_scaling.importers.tally import Tally

_DEFAULT = Options()


def read_run(path: str, options: Options = _DEFAULT) -> Reading:
    """The one run that a path names.

    Raises:
        ValueError: several runs, none, or a file that cannot be read: one line with file, row and remedy.
        OSError: a file that cannot be opened.
    """
    found = places(path)
    if len(found) > 1:
        names = ", ".join(place.name for place in found[:5])
        raise ValueError(f"{path} holds {len(found)} runs: {names}{', …' if len(found) > 5 else ''}; give one of them")
    runs = list(_read_place(found[0], options))
    if options.run is not None:
        runs = [each for each in runs if each.run == options.run]
        if not runs:
            raise ValueError(f"{path}: no run {options.run!r}")
    if len(runs) > 1:
        names = ", ".join(repr(each.run) for each in runs[:5])
        raise ValueError(f"{path} holds {len(runs)} runs: {names}{', …' if len(runs) > 5 else ''}; choose one with --run")
    return runs[0]


def read_each(path: str, options: Options = _DEFAULT) -> Iterator[Reading | ValueError]:
    """Every run that a path names, or the reason why one could not be read."""
    for place in places(path):
        try:
            yield from _read_place(place, options, lenient=True)
        except ValueError as error:
            yield error


def _read_place(place: Place, options: Options, lenient: bool = False) -> Iterator[Reading | ValueError]:
    sources = [Source(file) for file in place.files]
    importer = importer_for(sources[0], options.kind, options.pattern)
    tally = Tally()
    columns = gather(_frames(sources, importer, options, tally), options)
    if not columns:
        have = f" among {', '.join(tally.columns[:12])}" if tally.columns else ""
        raise ValueError(f"{sources[0].name}: no row with a loss{have}; name its column with --loss-column, or give --pattern for a text log")
    facts, remarks = facts_beside(sources[0].folder)
    for fact, value in facts.items():
        tally.facts.setdefault(fact, value)
    for text in remarks:
        tally.remark(text)
    name = sources[0].name if len(sources) == 1 else place.name
    kind, first_step = _kind(importer, sources[0], tally)
    for run, found in columns.items():
        own = replace(tally, skipped=dict(tally.skipped), remarks=list(tally.remarks), facts=dict(tally.facts))
        label = f"{name} ({run})" if len(columns) > 1 else name
        try:
            yield assemble(found, options, own, label, run, kind, first_step)
        except ValueError as error:
            if not lenient:
                raise
            yield error


def _frames(sources: list[Source], importer: Importer, options: Options, tally: Tally) -> Iterator[Frame]:
    for source in sources:
        yield from importer.read(source, options, tally)


def _kind(importer: Importer, source: Source, tally: Tally) -> tuple[str, int]:
    """(kind in words, number of the first step): Lightning's loggers count steps from 0."""
    if importer.kind == "csv" and {"epoch", "step"} <= set(tally.columns) and source.path.rsplit("/", 1)[-1] == "metrics.csv":
        return "metrics of Lightning's CSVLogger", 0
    if "trainer/global_step" in tally.columns:
        return importer.what, 0
    if importer.kind == "text":
        from lightning_scaling.importers.text_log import signature

        return signature(source), importer.first_step
    return importer.what, importer.first_step
