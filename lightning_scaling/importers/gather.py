"""The frames of a file as one series for each loss and each learning rate of each run, in memory that does not grow with the file."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.arrays import Floats
from lightning_scaling.importers.column_names import (
    CLOCKS,
    KEY,
    OF_DATA,
    SPLIT,
    TRAIN,
    VALUE,
    bare_loss,
    joined,
    metric_of,
    role,
    run_by_size,
    words,
)  # fmt: skip
from lightning_scaling.importers.frame import Frame
from lightning_scaling.importers.importer import Options
from lightning_scaling.importers.table_columns import clock_unit
from lightning_scaling.run.thinning import log_spaced

MOST = 2**17
HELD = 2**19
SPARE = 4  # of a longer file each block keeps at most so many times the points that thinning leaves of it
BEGIN = 2**12
MOST_RUNS = 1000
BESIDE = (*CLOCKS, "rank")  # what each point of a series carries


@dataclass
class Series:
    """Values of one column where it has any, with their rows and every clock; beyond 524 288 points thinned to 131 072.

    >>> series = Series()
    >>> series.add(np.array([1.0, 2.0]), np.array([5.0, 4.0]), {"step": np.array([10.0, 20.0])})
    >>> series.points()["step"]
    array([10., 20.])
    """

    seen: int = 0  # finite ones: many tables write nan where they have nothing
    changes: int = 0  # finite ones unlike the one before
    begin: dict[str, Floats] | None = None  # the first points as they were written, where the rest is thinned
    _added: int = 0
    _last: float = np.nan
    _parts: list[dict[str, Floats]] = field(default_factory=list)
    _held: int = 0

    def add(self, row: Floats, value: Floats, clocks: Mapping[str, Floats]) -> None:
        """Further points, in the order of the file."""
        finite = np.isfinite(value)
        known = value if finite.all() else value[finite]
        self.seen += len(known)
        self.changes += int(np.count_nonzero(known[1:] != known[:-1])) + bool(len(known) and known[0] != self._last)
        self._last = float(known[-1]) if len(known) else self._last
        self._added += len(row)
        part = {"row": row, "value": value, **clocks}
        if self._added > HELD and (most := SPARE * MOST * len(row) // self._added) < len(row):
            kept = np.linspace(0, len(row) - 1, max(most, 2)).round().astype(np.intp)
            part = {name: column[kept] for name, column in part.items()}
        self._parts.append(part)
        self._held += len(part["row"])
        if self._held > HELD:
            whole = self.points()
            self.begin = self.begin or {name: column[:BEGIN] for name, column in whole.items()}
            kept = log_spaced(whole["row"] - whole["row"][0] + 1.0, MOST)
            self._parts = [{name: column[kept] for name, column in whole.items()}]
            self._held = len(kept)

    def points(self) -> dict[str, Floats]:
        """`row`, `value` and each clock, NaN where a row does not have it."""
        names = dict.fromkeys(name for part in self._parts for name in part)
        return {n: np.concatenate([part.get(n, np.full(len(part["row"]), np.nan)) for part in self._parts]) for n in names}

    def fresh(self) -> NDArray[np.bool_]:
        """Which points are unlike the one before, to three decimals: litgpt prints its last validation loss with three and with four."""
        return np.asarray(np.diff(np.round(self.points()["value"], 3), prepend=np.nan) != 0)

    def changed(self) -> "Series":
        """The points unlike the one before."""
        whole, fresh = self.points(), self.fresh()
        kept = Series()
        kept.add(whole["row"][fresh], whole["value"][fresh], {n: c[fresh] for n, c in whole.items() if n not in ("row", "value")})
        return kept


Columns = dict[str, Series]


def gather(frames: Iterator[Frame], options: Options) -> dict[str, Columns]:
    """Series by column, by run; the run is empty where the file names none.

    Raises:
        ValueError: more than a thousand runs.
    """
    runs: dict[str, Columns] = {}
    column: str | None = options.run_column
    for frame in map(_widened, frames):
        column = column or _run_column(frame)
        for run, part in _by_run(frame, column):
            _take(part, run, runs, options)
        if len(runs) > MOST_RUNS:
            raise ValueError(f"more than {MOST_RUNS} runs by column {column!r}; name the column of the runs with --run-column")
    return _named(runs)


def _widened(frame: Frame) -> Frame:
    """The frame with a column for each metric that its key column names, as in tables of one metric a row (MLflow's history, exports of
    databases), and one for each part of the data that a column of parts names."""
    return _by_part(_by_key(_by_size(frame)))


def _by_size(frame: Frame) -> Frame:
    """Columns of one run each, named by its size, as W&B's charts name them: `350M - loss`."""
    sized = {name: f"{found[0]} - {found[1]}" for name in frame.numbers if (found := run_by_size(name)) is not None}
    return Frame(frame.row, {sized.get(n, n): v for n, v in frame.numbers.items()}, frame.texts) if len(sized) > 1 else frame


def _by_key(frame: Frame) -> Frame:
    value, key = _among(frame.numbers, VALUE), _among(frame.texts, KEY)
    if value is None or key is None:
        return frame
    keys = np.array(frame.texts[key])
    numbers = {name: column for name, column in frame.numbers.items() if name not in (key, value)}
    for metric in dict.fromkeys(frame.texts[key]):
        if metric:
            numbers[metric] = np.where(keys == metric, frame.numbers[value], np.nan)
    return Frame(frame.row, numbers, {name: cells for name, cells in frame.texts.items() if name != key})


def _by_part(frame: Frame) -> Frame:
    """Losses named `train` or `val` after a column such as `phase`; the learning rate is that of the training rows."""
    part = next((name for name in frame.texts if joined(name) in SPLIT and _parts(frame.texts[name])), None)
    if part is None:
        return frame
    cells = np.array(frame.texts[part])
    trained = np.array([bool(set(words(cell)) & TRAIN) for cell in cells])
    numbers: dict[str, Floats] = {}
    for name, column in frame.numbers.items():
        what = (found := role(name)) and found.what
        if what in ("loss", "perplexity") and found is not None and not found.split:
            numbers |= {f"{cell} {name}".strip(): np.where(cells == cell, column, np.nan) for cell in dict.fromkeys(frame.texts[part])}
        elif name != part:
            numbers[name] = np.where(trained, column, np.nan) if what == "lr" and trained.any() else column
    return Frame(frame.row, numbers, {name: texts for name, texts in frame.texts.items() if name != part})


def _parts(cells: list[str]) -> bool:
    """Whether every cell names a part of the data, or none."""
    named = {cell for cell in cells if cell}
    return bool(named) and all(set(words(cell)) & OF_DATA and len(words(cell)) <= 2 for cell in named)


def _among(columns: Iterable[str], names: tuple[str, ...]) -> str | None:
    there = {joined(name): name for name in columns}
    return next((there[name] for name in names if name in there), None)


def _run_column(frame: Frame) -> str | None:
    found = [(r.rank, name) for name in (*frame.texts, *frame.numbers) if (r := role(name)) is not None and r.what == "run"]
    return min(found)[1] if found else None


def _by_run(frame: Frame, column: str | None) -> Iterator[tuple[str, Frame]]:
    if column is None or column not in frame.numbers:
        yield "", frame
        return
    texts = frame.texts.get(column)
    names = np.array(texts if texts is not None else [f"{v:g}" if np.isfinite(v) else "" for v in frame.numbers[column]])
    for name in dict.fromkeys(names.tolist()):
        kept = names == name
        yield name, Frame(frame.row[kept], {n: v[kept] for n, v in frame.numbers.items()})


def _take(frame: Frame, run: str, runs: dict[str, Columns], options: Options) -> None:
    roles = {name: found for name in frame.numbers if (found := options.role(name))}
    units = {name: clock_unit(name, found.what) for name, found in roles.items() if found.what in BESIDE}
    clocks = {name: frame.numbers[name] * unit if unit != 1.0 else frame.numbers[name] for name, unit in units.items()}
    for name, values in frame.numbers.items():
        found = roles.get(name) or bare_loss(name)
        if (found is None and joined(name) not in VALUE) or (found is not None and found.what not in ("loss", "lr", "perplexity")):
            continue
        missing = np.isnan(values)
        there = np.flatnonzero(~missing) if missing.any() else slice(None)
        prefix = name.rsplit(" - ", 1)[0] if " - " in name else ""
        own = {c: v[there] for c, v in clocks.items() if " - " not in c or c.rsplit(" - ", 1)[0] == prefix}
        if len(values[there]):
            series = runs.setdefault(" ".join(filter(None, (run, prefix))), {}).setdefault(name, Series())
            series.add(frame.row[there], values[there], own)


def _named(runs: dict[str, Columns]) -> dict[str, Columns]:
    """Runs that hold a loss; one without a name is the others' where they hold nothing but a rate."""
    lossy = {run: c for run, c in runs.items() if any((r := role(metric_of(n))) is None or r.what != "lr" for n in c)}
    return lossy or runs
