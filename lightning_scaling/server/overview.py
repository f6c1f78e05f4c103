"""Many runs as columns for the picture of all: what each is, its state, and at most 60 points of its curve (20 of very many)."""

import zlib
from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.report.rows import words
from lightning_scaling.report.sample import points_of_each
from lightning_scaling.report.study import Study
from lightning_scaling.run.finished import is_finished
from lightning_scaling.run.readings import more_data_of, plateau_of
from lightning_scaling.run.record import Prediction, RunRecord, RunState
from lightning_scaling.run.thinning import log_spaced
from lightning_scaling.store.runs import Rejected

_ready: WeakKeyDictionary[RunRecord, tuple[int, dict[str, Any]]] = WeakKeyDictionary()


def overview(study: Study, experiments: Mapping[str, str], known: Mapping[str, str]) -> dict[str, Any]:
    """The runs whose stamp is not the one `known` (run id → stamp), in columns; ids that are `gone`; the runs that cannot be read."""
    most = points_of_each(len(study.records))
    rows = [_row(record, most) for record in study.records]
    new = [row for row in rows if known.get(row["id"]) != row["stamp"]]
    number = {name: key for key, name in experiments.items()}
    runs: dict[str, list[Any]] = {name: [row[name] for row in new] for name in _COLUMNS}
    runs["experiment"] = [number.get(name, "") for name in runs["experiment"]]
    here = {row["id"] for row in rows}
    broken = [_broken(each, number) for each in study.rejected]
    return {"runs": runs, "gone": [key for key in known if key not in here], "broken": broken, "count": len(rows)}


_COLUMNS = (
    *("id", "name", "experiment", "family", "state", "params", "tokens", "flops", "loss", "planned", "verdict"),
    *("forecast", "low", "high", "stamp", "x", "y", "c", "s", "u", "plateau", "data"),
)


def _broken(each: Rejected, number: Mapping[str, str]) -> dict[str, Any]:
    where = {"id": each.run_id, "name": each.name, "experiment": number.get(each.experiment, "")}
    return {**where, "reason": each.reason, "external": each.run is not None}


def _row(record: RunRecord, most: int) -> dict[str, Any]:
    kept = _ready.get(record)
    if kept is None or kept[0] != most:
        kept = _ready[record] = (most, _made(record, most))
    return kept[1]


def _made(record: RunRecord, most: int) -> dict[str, Any]:
    state = RunState.FINISHED if is_finished(record) else record.state
    last = record.predictions[-1] if record.predictions else None
    where = {"id": record.run_id or record.key, "name": record.name or record.key, "experiment": record.experiment or ""}
    cost = {"params": record.curve.params, "tokens": record.tokens, "flops": number(record.spent), "planned": record.planned_tokens}
    row = {
        **where,
        **cost,
        **_last(last),
        "family": record.family or "",
        "state": state.name,
        "loss": number(record.loss),
        "u": number(record.curve.unique_tokens),
        "plateau": called.tokens if (called := plateau_of(record)) else None,
        "data": words(data.answer) if (data := more_data_of(record)) else "",
        **_curve(record, most),
    }
    return {**row, "stamp": stamp(record, state)}


def _last(made: Prediction | None) -> dict[str, Any]:
    """The latest forecast of the end, with its verdict."""
    if made is None:
        return {"forecast": None, "low": None, "high": None, "verdict": ""}
    return {"forecast": number(made.loss), "low": number(made.low), "high": number(made.high), "verdict": words(made.verdict)}


def stamp(record: RunRecord, state: RunState) -> str:
    """Changes when the run does; the same in every worker of a server."""
    facts = (record.tokens, record.loss, len(record.curve), len(record.predictions), state.name, record.name, record.planned_tokens)
    return f"{zlib.crc32(repr(facts).encode()):x}"


def _curve(record: RunRecord, most: int) -> dict[str, Any]:
    """Tokens x, losses y, and c, s: FLOPs and steps per token where that is one number, else those of each point."""
    seen = np.flatnonzero(np.isfinite(record.curve.loss) & (record.curve.loss > 0))
    if not len(seen):
        return {"x": [], "y": [], "c": None, "s": None}
    kept = seen[log_spaced(record.curve.tokens[seen], most)]
    tokens, flops = record.curve.tokens[kept], record.flops[kept]
    steps = None if record.curve.step is None else _per_token(record.curve.step[kept], tokens)
    return {"x": tokens.tolist(), "y": rounded(record.curve.loss[kept]), "c": _per_token(flops, tokens), "s": steps}


def _per_token(values: NDArray[np.float64], tokens: NDArray[np.float64]) -> float | list[Any]:
    rates = values / tokens
    one = np.isfinite(rates).all() and np.ptp(rates) <= 1e-6 * rates[0]
    return float(rates[0]) if one else column(values)


def rounded(values: NDArray[np.float64]) -> list[float]:
    """To six significant digits: a picture shows four, and it halves what is sent.

    >>> rounded(np.array([2.311491234, 1234567.8]))
    [2.31149, 1234570.0]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        places = 5 - np.floor(np.log10(np.abs(values)))
    scale = 10.0 ** np.where(np.isfinite(places), places, 0)
    return column(np.round(values * scale) / scale)


def column(values: Iterable[float]) -> list[Any]:
    """Numbers with null for what JSON has no word for."""
    return [number(value) for value in np.asarray(values, dtype=np.float64).tolist()]


def number(value: float | None) -> float | None:
    """The number, or None for NaN and infinities."""
    return value if value is not None and np.isfinite(value) else None
