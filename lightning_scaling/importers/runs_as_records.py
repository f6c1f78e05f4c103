"""A table of finished runs as records of one point each, so that what takes logs of runs takes their table too."""

import hashlib
import re
from itertools import islice

import numpy as np

from lightning_scaling.importers import json_document, json_lines, parquet
from lightning_scaling.importers.names import role
from lightning_scaling.importers.runs_columns import MODEL, meaning
from lightning_scaling.importers.runs_table import TABLE, RunsTable
from lightning_scaling.importers.source import Source
from lightning_scaling.importers.tally import Tally
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.units import training_flops

_SEPARATORS = re.compile(r"[,;\t|]")
_QUOTED = re.compile(r'"([^"]{1,60})"')
_ROWS = 100


def is_runs_table(source: Source) -> bool:
    """Whether columns name params, a loss, and tokens or FLOPs, but no step, epoch or learning rate, which only a log has.

    >>> is_runs_table(Source("-", data=b"params,tokens,loss")), is_runs_table(Source("-", data=b"step,params,tokens,loss"))
    (True, False)
    >>> is_runs_table(Source("-", data=b'[{"N": 1e8, "D": 2e9, "loss": 3.1}]'))
    True
    """
    names = [name for name in _columns(source) if name]
    found = {each.what for name in names if (each := meaning(name)) is not None and (each.what, each.rank) != ("params", MODEL)}
    logged = {held.what for name in names if (held := role(name)) is not None}
    return {"params", "loss"} <= found and bool({"tokens", "flops"} & found) and not {"step", "epoch", "lr"} & logged


def _columns(source: Source) -> list[str]:
    """The names of the columns of a table, of the objects of a document, or of a parquet file; none where it is neither."""
    if parquet.recognises(source):
        return parquet.columns(source)
    if not source.is_text:
        return []
    if source.head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        lines = (line for line in source.text.lstrip("\ufeff").splitlines() if line.strip() and line[0] != "#")
        return [cell.strip(" \"'") for cell in _SEPARATORS.split(next(lines, ""))]
    named = {each.what for name in set(_QUOTED.findall(source.text)) if (each := meaning(name)) is not None}
    if not {"params", "loss"} <= named:
        return []  # most documents are logs, and large
    read = json_lines.rows if json_lines.recognises(source) else json_document.rows
    try:
        return list(dict.fromkeys(name for _, row in islice(read(source, Tally()), _ROWS) for name in row))
    except ValueError:
        return []


def records_of(table: RunsTable, family: str | None = None) -> list[RunRecord]:
    """Each row as a finished run; FLOPs are 6·N·D where the table has none."""
    met = table.params if table.active is None else table.active
    flops = training_flops(met, table.tokens) if table.flops is None else table.flops
    conventions = Conventions(params="given", flops="6N" if table.flops is None else "given", loss=table.columns["loss"])
    found = []
    for i, (params, tokens, loss, spent) in enumerate(zip(table.params, table.tokens, table.loss, np.atleast_1d(flops), strict=True)):
        name = table.run[i] if table.run is not None else f"run {i + 1}"
        key = hashlib.sha256(repr((name, float(params), float(tokens), float(loss))).encode()).hexdigest()[:20]
        curve = Curve(np.array([tokens]), np.array([loss]), params=int(params))
        extra = {"origin": table.name, "kind": TABLE}
        groups = {} if params == met[i] else {"other": int(met[i]), "inactive_experts": int(params) - int(met[i])}
        more = dict(extra=extra, groups=groups, ended=True, state=RunState.FINISHED, name=name, family=family, planned_tokens=int(tokens))
        found.append(RunRecord(f"table-{key}", curve, np.array([float(spent)]), conventions, **more))  # type: ignore[arg-type]
    return found
