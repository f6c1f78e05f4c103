"""A table of finished runs (a line each: params, tokens or FLOPs, loss) as arrays: columns by usual names and units, bad cells counted."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.importers import delimited, json_files, parquet
from lightning_scaling.importers.cells import amount, number
from lightning_scaling.importers.column_names import CLOCKS, role
from lightning_scaling.importers.dialect import dialect_of
from lightning_scaling.importers.frame import Tally
from lightning_scaling.importers.frame import rows as counted_rows
from lightning_scaling.importers.importer import importer_for
from lightning_scaling.importers.source import Source
from lightning_scaling.importers.table_columns import MODEL, Meaning, counts_active, meaning, usual
from lightning_scaling.units import tokens_for

TABLE = "table of finished runs"
COUNTS, NEEDED = ("params", "tokens", "flops"), ("params", "tokens", "loss")
# The largest count of a table below this is in a unit that nothing names: no one trains six weights, or on forty tokens.
UNNAMED = 1000.0
MOST_ROWS = 1_000_000
SUMMARIES = {"mean", "average", "avg", "median", "total", "sum", "std", "stdev", "min", "max", "count"}

_SEPARATORS = re.compile(r"[,;\t|]")
_QUOTED = re.compile(r'"([^"]{1,60})"')
MOST_RISING = 10  # rows of one size
_FIRST = 100  # objects of a document that show its names

Row = Mapping[str, Any]


class NotATableError(ValueError):
    """A file that lacks the columns of a table of runs; the message is one line."""


@dataclass(frozen=True, eq=False)
class RunsTable:
    """(n,) columns; `flops` and `run` are None where the file has none; `columns` gives the name that was read as each.

    `active` holds the parameters that a token meets where the file has both these and all parameters (`params`); `more` the columns that
    were asked for by name (a score, a learning rate), NaN where a cell holds no number. `skipped` holds the rows left out, one entry a
    reason; `remarks` what was assumed, a sentence each; `rows` how many there were in the file `name`.
    """

    params: Floats
    tokens: Floats
    loss: Floats
    flops: Floats | None
    run: tuple[str, ...] | None
    columns: dict[str, str]
    skipped: list[dict[str, Any]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    rows: int = 0
    name: str = ""
    active: Floats | None = None
    more: dict[str, Floats] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """How the file was read, as `--json` prints it under `read`."""
        read = {"file": self.name, "kind": TABLE, "rows_read": self.rows, "runs": len(self.loss)}
        return {**read, "columns": self.columns, "skipped": self.skipped, "remarks": self.remarks}

    def lines(self) -> list[str]:
        """The same in two lines: what was left out, then which column is what and what was assumed."""
        skipped = "; ".join(f"{each['reason']}: {counted_rows(each['rows'])}, first row {each['first_row']}" for each in self.skipped)
        first = f"read {self.name}: {TABLE}, {counted_rows(self.rows)}" + (f"; skipped {skipped}" if skipped else "")
        return [first, "; ".join([", ".join(f"{what}: {column}" for what, column in self.columns.items()), *self.remarks])]


def is_runs_table(source: Source) -> bool:
    """Whether columns name params, a loss, and tokens or FLOPs; with a step, an epoch or a learning rate only where rows are ends of runs.

    >>> is_runs_table(Source("-", data=b"params,tokens,loss")), is_runs_table(Source("-", data=b"step,params,tokens,loss"))
    (True, False)
    >>> is_runs_table(Source("-", data=b'[{"N": 1e8, "D": 2e9, "loss": 3.1}]'))
    True
    """
    names = [name for name in _names(source) if name]
    found = {(each.what, each.rank == MODEL and each.what == "params") for name in names if (each := meaning(name)) is not None}
    logged = {held.what for name in names if (held := role(name)) is not None}
    kinds = {what for what, _ in found}
    spent, logged = {"tokens", "flops"} & kinds, {"step", "epoch", "lr"} & logged
    if not {"params", "loss"} <= kinds or not (spent or logged):
        return False
    if ("params", False) in found and not logged:
        return True
    first = _first_rows(source)
    return (("params", False) in found or _models_are_sizes(first)) and (not logged or _are_ends(first))


def _first_rows(source: Source) -> list[tuple[int, Row]]:
    try:
        return list(islice(_rows(source, Tally()), _FIRST))
    except ValueError:
        return []


def _are_ends(rows: list[tuple[int, Row]]) -> bool:
    """Whether rows are the ends of runs of several sizes: tokens, FLOPs or steps do not rise over many rows of one size, as in a log."""
    names = list(rows[0][1]) if rows else []
    places = {each.what: name for name in names if (each := meaning(name)) is not None}
    clock = next((name for name in names if (held := role(name)) is not None and held.what in CLOCKS), "")
    spent = places.get("tokens", places.get("flops", clock))
    points = [(str(row.get(places.get("params", ""))), _value(row.get(spent), 1.0, False)) for _, row in rows]
    rising = longest = 0
    for before, now in pairwise(points):
        rising = rising + 1 if now[0] == before[0] and now[1] > before[1] else 0
        longest = max(longest, rising)
    return len({size for size, _ in points}) > 1 and longest < MOST_RISING


def _names(source: Source) -> list[str]:
    """The names of the columns of a table, of the objects of a document, or of a parquet file; none where it is neither."""
    if parquet.recognises(source):
        return parquet.columns(source)
    if not source.is_text:
        return []
    if source.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        if (dialect := dialect_of(source.text)) is not None:
            return list(dialect.header)
        lines = (line for line in source.text.split("\n") if line.strip() and line[0] != "#")
        return [cell.strip(" \"'") for cell in _SEPARATORS.split(next(lines, ""))]  # a header alone
    named = {each.what for name in set(_QUOTED.findall(source.text)) if (each := meaning(name)) is not None}
    first = _first_rows(source) if {"params", "loss"} <= named else []  # most documents are logs, and large
    return list(dict.fromkeys(name for _, row in first for name in row))


def read_table(path: str, named: Mapping[str, str | None] | None = None) -> RunsTable:
    """The runs in a file; `named` maps "params", "active", "tokens", "loss", "flops" or "run" to a column, the rest is found.

    Any other name in `named` is a column of numbers to read beside them; None there: it is found by its usual names.

    Raises:
        ValueError: one line for a file without runs, a column that is not there, or counts whose unit nothing names.
    """
    source, tally = Source(path), Tally()
    rows = _runs(islice(_rows(source, tally), MOST_ROWS + 1), tally)
    if len(rows) > MOST_ROWS:
        raise NotATableError(f"{source.name} has more than {MOST_ROWS} rows: a log of a run rather than a table of finished runs")
    names = list(dict.fromkeys(name for _, row in rows for name in row)) or tally.columns
    if not rows:
        raise ValueError(f"{source.name} has no runs: a line of column names (params, tokens, loss) and one line a run are expected")
    sized = [name for name in names if name.lower() != "model" or _models_are_sizes(rows)]
    chosen = _chosen(sized, named or {}, source.name, tally)
    comma, values = "decimal commas" in tally.remarks, {}
    for what, (name, scale) in chosen.items():
        if what != "run":
            values[what] = np.array([_value(row.get(name), scale, comma) for _, row in rows], dtype=np.float64)
        if what in COUNTS and scale != 1:
            tally.remark(f"{name} is read in units of {scale:.3g}")
    good = _good(rows, chosen, values, tally)
    if not good.any():
        raise ValueError(f"{source.name} has no runs with every number ({tally})")
    _require_units(values, good, chosen, source.name)
    _remark_on_points(rows, chosen, good, tally)
    return _table(rows, chosen, {k: v[good] for k, v in values.items()}, good, tally, source.name)


def _runs(rows: Iterable[tuple[int, Row]], tally: Tally) -> list[tuple[int, Row]]:
    """The rows but those that sum the others up, and those that come again word for word."""
    seen: set[tuple[str, ...]] = set()
    found = []
    for place, row in rows:
        cells = tuple(str(cell).strip() for cell in row.values())
        summary = next((cell for cell in cells if cell.lower() in SUMMARIES), None)
        if summary is not None:
            tally.skip(f"a summary of the others ({summary})", place)
        elif cells in seen:
            tally.skip("a repeated row", place)
        else:
            found.append((place, row))
        seen.add(cells)
    return found


def _table(
    rows: list[tuple[int, Row]], chosen: dict[str, tuple[str, float]], values: dict[str, Floats], good: Any, tally: Tally, where: str
) -> RunsTable:
    params, loss, flops = values["params"], values["loss"], values.get("flops")
    active = np.where(values["active"] > 0, values["active"], params) if "active" in values else None
    if chosen.get("tokens", ("",))[0].lower().startswith("sample"):
        tally.remark("samples are counted as tokens")
    if "tokens" not in values:
        tally.remark("tokens are FLOPs / (6 · params)")
    met = params if active is None else active
    tokens = values["tokens"] if "tokens" in values else np.asarray(tokens_for(flops, met), dtype=np.float64)
    if flops is not None and not (np.isfinite(flops) & (flops > 0)).all():
        tally.remark(f"{chosen['flops'][0]} has cells that are no positive number and is not used")
        flops = None
    run = tuple(str(row.get(chosen["run"][0], "")) for (_, row), kept in zip(rows, good, strict=True) if kept) if "run" in chosen else None
    columns = {what: name for what, (name, _) in chosen.items()}
    flops, more = flops if "tokens" in values else None, {what: values[what] for what in values if what not in (*NEEDED, "flops", "active")}
    return RunsTable(params, tokens, loss, flops, run, columns, tally.to_json(), tally.remarks, len(rows), where, active, more)


def _rows(source: Source, tally: Tally) -> Iterable[tuple[int, Row]]:
    readers = {"csv": delimited.cells, "json": json_files.rows_of_document, "jsonl": json_files.rows_of_lines, "parquet": parquet.rows}
    if not source.head:
        return []
    if source.is_text and source.head.lstrip()[:1] not in (b"{", b"["):
        return delimited.cells(source, tally)
    kind = importer_for(source).kind
    if kind not in readers:
        raise NotATableError(f"{source.name} is a {kind} file: a table of runs (params, tokens, loss) as CSV, JSON or parquet is expected")
    return readers[kind](source, tally)


def _chosen(names: list[str], named: Mapping[str, str | None], where: str, tally: Tally) -> dict[str, tuple[str, float]]:
    """(column, scale) by role."""
    found: dict[str, list[tuple[int, int, str, float]]] = {}
    for place, name in enumerate(names):
        if (each := meaning(name)) is not None:
            found.setdefault(each.what, []).append((each.rank, place, name, each.scale))
    chosen = {what: min(several)[2:] for what, several in found.items()}
    for what, given in named.items():
        name = next((each for each in names if usual(what, each)), what) if given is None else given
        if name not in names:
            raise ValueError(f"{where}: no column {name!r}; there are {', '.join(names)}")
        chosen[what] = name, (meaning(name) or Meaning(what)).scale
    sizes = sorted(found.get("params", ()))
    active = next((each[2:] for each in sizes if counts_active(each[2])), None)
    if active is not None and active[0] != chosen["params"][0] and (sizes[0][0] == 0 or "params" in named):
        chosen.setdefault("active", active)
    _remark_unused(found, chosen, named, tally)
    lacking = [what for what in ("params", "loss") if what not in chosen] + ([] if {"tokens", "flops"} & set(chosen) else ["tokens"])
    if lacking[:1] == ["loss"] and (held := next((name for name in names if (r := role(name)) and r.what == "perplexity"), None)):
        raise NotATableError(
            f"{where} has no column for loss; {held} is a perplexity: write its natural logarithm into a column named loss"
        )
    if lacking:
        raise NotATableError(
            f"{where} has no column for {lacking[0]} (usual names: {_USUAL[lacking[0]]}); its columns are {', '.join(names[:20])}; "
            "name it so in the header, with its unit where it is not one, e.g. 'params (B)'"
        )
    return chosen


_USUAL = {"params": "params, N, model size", "tokens": "tokens, D, or FLOPs", "loss": "loss, val_loss, L"}


def _value(cell: Any, scale: float, decimal_comma: bool) -> float:
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        return float(cell) * scale
    return amount(str(cell or ""), scale, decimal_comma)


def _models_are_sizes(rows: list[tuple[int, Row]]) -> bool:
    """Whether some cell below `model` is a number with its unit, as `70M` is; the name of a model may be a bare number."""
    cells = [str(cell) for _, row in rows[:20] for name, cell in row.items() if name.lower() == "model"]
    return any(np.isnan(number(cell)) and np.isfinite(amount(cell)) for cell in cells)


def _remark_unused(
    found: Mapping[str, Any], chosen: Mapping[str, tuple[str, float]], named: Mapping[str, str | None], tally: Tally
) -> None:
    """Says which columns of sizes and losses lie beside those that were taken without anybody's word."""
    taken = {name for name, _ in chosen.values()}
    for what in ("params", "loss"):
        others = [name for _, _, name, _ in found.get(what, []) if name not in taken and name.lower() != "model"]
        if others and what not in named:
            tally.remark(f"{', '.join(others)} {'is' if len(others) == 1 else 'are'} not used (--{what}-column)")


def _good(rows: list[tuple[int, Row]], chosen: dict[str, tuple[str, float]], values: dict[str, Floats], tally: Tally) -> Any:
    """Rows in which every needed number is finite and positive; the others are counted by column."""
    good = np.ones(len(rows), dtype=bool)
    for what, column in values.items():
        if what not in NEEDED and (what != "flops" or "tokens" in values):
            continue
        bad = good & ~(np.isfinite(column) & (column > 0))
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            cell = str(rows[first][1].get(chosen[what][0], ""))[:40]
            tally.skip_each(f"{chosen[what][0]} must be a positive number, got {cell!r}", (rows[k][0] for k in np.flatnonzero(bad)))
        good &= ~bad
    return good


def _remark_on_points(rows: list[tuple[int, Row]], chosen: dict[str, tuple[str, float]], good: Any, tally: Tally) -> None:
    """Remarks where a run has several rows: losses on the way to its end follow its schedule, not the law."""
    if "run" not in chosen:
        return
    runs = [str(row.get(chosen["run"][0], "")) for (_, row), kept in zip(rows, good, strict=True) if kept]
    if 1 < len(set(runs)) < len(runs):
        tally.remark(f"{len(set(runs))} values of {chosen['run'][0]} in {len(runs)} rows: losses from before a run's end may bend the law")


def _require_units(values: dict[str, Floats], good: Any, chosen: dict[str, tuple[str, float]], where: str) -> None:
    for what in COUNTS:
        if what in values and (most := float(np.nanmax(np.where(np.isfinite(values[what][good]), values[what][good], 0.0)))) < UNNAMED:
            raise ValueError(
                f"{where}: {chosen[what][0]} is {most:g} at most, which is no number of {what}; name its unit in the header, "
                f"e.g. '{chosen[what][0]} (B)' for billions"
            )
