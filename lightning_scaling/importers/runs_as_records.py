"""A table of finished runs as records of one point each, so that what takes logs of runs takes their table too."""

import hashlib
import re

import numpy as np

from lightning_scaling.importers.names import role
from lightning_scaling.importers.runs_columns import meaning
from lightning_scaling.importers.runs_table import RunsTable
from lightning_scaling.importers.source import Source
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.units import training_flops

_SEPARATORS = re.compile(r"[,;\t|]")


def is_runs_table(source: Source) -> bool:
    """Whether a text's header names params, a loss, and tokens or FLOPs, but no step, epoch or learning rate, which only a log has.

    >>> is_runs_table(Source("-", data=b"params,tokens,loss")), is_runs_table(Source("-", data=b"step,params,tokens,loss"))
    (True, False)
    """
    if not source.is_text:
        return False
    lines = (line for line in source.head.decode("utf-8", "replace").lstrip("\ufeff").splitlines() if line.strip() and line[0] != "#")
    cells = [cell.strip(" \"'") for cell in _SEPARATORS.split(next(lines, ""))]
    found = {each.what for cell in cells if cell and (each := meaning(cell)) is not None}
    logged = {held.what for cell in cells if cell and (held := role(cell)) is not None}
    return {"params", "loss"} <= found and bool({"tokens", "flops"} & found) and not {"step", "epoch", "lr"} & logged


def records_of(table: RunsTable, family: str | None = None) -> list[RunRecord]:
    """Each row as a finished run; FLOPs are 6·N·D where the table has none."""
    flops = training_flops(table.params, table.tokens) if table.flops is None else table.flops
    conventions = Conventions(params="given", flops="6N" if table.flops is None else "given", loss=table.columns["loss"])
    found = []
    for i, (params, tokens, loss, spent) in enumerate(zip(table.params, table.tokens, table.loss, np.atleast_1d(flops), strict=True)):
        name = table.run[i] if table.run is not None else f"run {i + 1}"
        key = hashlib.sha256(repr((name, float(params), float(tokens), float(loss))).encode()).hexdigest()[:20]
        curve = Curve(np.array([tokens]), np.array([loss]), params=int(params))
        more = dict(ended=True, state=RunState.FINISHED, name=name, family=family, planned_tokens=int(tokens))
        found.append(RunRecord(f"table-{key}", curve, np.array([float(spent)]), conventions, **more))  # type: ignore[arg-type]
    return found
