"""A log or a table that was read as run records: identity by content, FLOPs by 6ND where N is known, whether the end was reached."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from lightning_scaling.importers.reading import Reading
from lightning_scaling.importers.runs_table import TABLE, RunsTable
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord, RunState
from lightning_scaling.run.thinning import thin
from lightning_scaling.units import training_flops

# A run whose log names its length and ends this far before it was interrupted.
REACHED = 0.98


def record_of(reading: Reading, params: int | None = None, family: str | None = None) -> RunRecord:
    """The run as the store keeps it, thinned to 400 points.

    Where the file counts steps or epochs and nothing gives the tokens of one, the record's conventions hold the unit, so that such a run
    never enters a law beside runs that count tokens.

    Args:
        params: N of the model, where the file does not hold it.
        family: name under which runs are compared.
    """
    curve = reading.curve
    known = params or curve.params
    curve = Curve(curve.tokens, curve.loss, curve.step, curve.schedule, params=known)
    flops = np.full(len(curve), np.nan) if known is None else np.asarray(training_flops(known, curve.tokens), dtype=np.float64)
    unit = None if reading.unit == "tokens" else reading.unit
    conventions = Conventions(params="given", flops="6N", loss=reading.loss, tokenizer=unit)
    planned = planned_tokens(reading)
    ended = planned is None or float(curve.tokens[-1]) >= REACHED * planned
    where: dict[str, Any] = {"planned_tokens": planned, "ended": ended, "family": family, "name": name_of(reading)}
    record = RunRecord(
        key_of(curve, reading.loss), curve, flops, conventions, **where, extra={"origin": reading.name, "kind": reading.kind}
    )
    return thin(record)


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


def planned_tokens(reading: Reading) -> int | None:
    """The length of the run in the curve's unit, as its log or the configuration beside it names it."""
    steps = reading.facts.get("total_steps")
    if steps is None or reading.clock not in ("step", "tokens"):
        return None
    per = reading.facts.get("tokens_per_step") if reading.unit == "tokens" else 1.0
    return None if per is None else int(steps * per)


def key_of(curve: Curve, loss: str) -> str:
    """The identity of a run that brings none: a hash of its points, so that the same run is found again whatever its file is called."""
    content = hashlib.sha256(loss.encode())
    for part in (curve.tokens, curve.loss, *([] if curve.schedule is None else [curve.schedule.step, curve.schedule.lr])):
        content.update(np.ascontiguousarray(part).tobytes())
    return f"import-{content.hexdigest()[:20]}"


def name_of(reading: Reading) -> str:
    """The run's name in its file, else the file's, else that of its folder where the file's is a usual one."""
    if reading.run:
        return reading.run
    path = Path(reading.name)
    usual = path.stem in ("metrics", "trainer_state", "log", "summary", "history", "progress", "main", "train")
    name = path.parent.name if usual and path.parent.name else path.name
    return "".join(c if c.isprintable() else " " for c in name)[:250] or "imported"
