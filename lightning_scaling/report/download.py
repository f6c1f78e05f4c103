"""The runs as files: one row a run, one row a point, or every record in full."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from lightning_scaling.report.rows import row
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.folder import cell
from lightning_scaling.store.record_packing import plain
from lightning_scaling.units import pf_days

_RUN = ("run_id", "name", "experiment", "family", "state", "params", "tokens", "flops", "pf_days", "loss", "planned_tokens", "verdict")
_POINT = ("run_id", "name", "params", "tokens", "flops", "pf_days", "loss")


def runs_csv(records: Iterable[RunRecord]) -> Iterator[str]:
    """A header and a line a run."""
    return _lines(_RUN, map(_run, records))


def points_csv(records: Iterable[RunRecord]) -> Iterator[str]:
    """A header and a line a kept point (at most 400 a run)."""
    return _lines(_POINT, (point for record in records for point in _points(record)))


def records_json(records: Sequence[RunRecord]) -> Iterator[str]:
    """A JSON list of whole records, run by run."""
    for i, record in enumerate(records):
        where = {"run_id": record.run_id, "experiment": record.experiment, "state": record.state.name}
        yield ("[\n" if i == 0 else ",\n") + json.dumps({**record.to_json(), **where}, default=plain, allow_nan=False)
    yield "\n]\n" if records else "[]\n"


def _run(record: RunRecord) -> list[Any]:
    r = row(record)
    where = [record.run_id, r.name, record.experiment, record.family, record.state.name]
    return [*where, r.params, r.tokens, r.flops, r.pf_days, r.loss, record.planned_tokens, r.verdict]


def _points(record: RunRecord) -> Iterator[list[Any]]:
    head = [record.run_id, record.name, record.curve.params]
    for tokens, flops, loss in zip(record.curve.tokens, record.flops, record.curve.loss, strict=True):
        yield [*head, float(tokens), float(flops), float(pf_days(flops)), float(loss)]


def _lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    for each in rows:
        writer.writerow([_cell(value) for value in each])
        if out.tell() > 1 << 16:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> str:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text


def _cell(value: Any) -> Any:
    """Empty for what is not known; a name that a spreadsheet would take for a formula is kept from being one."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    return cell(value) if isinstance(value, str) else value
