"""The columns of one run as a curve: clock chosen, rows stitched, learning rate laid over it."""

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.importers.cells import BROKEN
from lightning_scaling.importers.choose_columns import clock_column, loss_column, lr_column, without_repeats
from lightning_scaling.importers.column_names import word_set, words
from lightning_scaling.importers.frame import Tally, rows
from lightning_scaling.importers.gather import Columns, Series
from lightning_scaling.importers.importer import Options
from lightning_scaling.importers.reading import UNITS, Reading, rate
from lightning_scaling.importers.stitch import Seams, merged, one_run, seams
from lightning_scaling.importers.table_columns import clock_unit, rate_unit
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule

TIMES = word_set("time timestamp date datetime seconds sec runtime elapsed")
Points = dict[str, Floats]
MOSTLY = 0.5  # a column of more broken cells than this, between numbers, writes nan where it has nothing


def assemble(columns: Columns, options: Options, tally: Tally, name: str, run: str, kind: str, first_step: int) -> Reading:
    """The reading of one run; ValueError names the file and what is missing.

    Args:
        name: of the file, for messages.
        run: name of the run within the file.
        first_step: the number of the first step.
    """
    columns = without_repeats(columns, tally)
    loss = loss_column(columns, options, name, tally)
    chosen = clock_column(columns[loss], options)
    if chosen is None:
        why = f" ({tally})" if tally.skipped else ""
        times = [name for name in tally.columns if not TIMES.isdisjoint(words(name))]
        why += f" (times, as in {times[0]!r}, do not count what was trained)" if times else ""
        raise ValueError(
            f"{name}: no column of tokens, steps or epochs beside {loss}{why}; "
            "name one with --tokens-column, --step-column or --epoch-column"
        )
    clock, column = chosen
    if (unit := clock_unit(column, clock)) != 1.0:
        tally.remark(f"{column} is read in units of {unit:.3g}")
    points = _known(_clocked(columns[loss].points(), column, tally, clock), column, tally)
    points = one_run(points, columns[loss].begin or points, clock, column, name, tally)
    shift = _shift(points[column], clock, column, first_step, tally)
    found = seams(points["row"], points[column], points["value"], name, UNITS[clock], tally)
    index, placed = found.place(points["row"], points[column])
    at, value = merged(placed, points["value"][index], points["row"][index], tally, clock)
    positive = at + shift > 0
    if not positive.all():
        tally.skip(f"at {clock} {at[0]:g}, before training", int(points["row"][index[0]]), int((~positive).sum()))
    at, value = at[positive] + shift, value[positive]
    if not np.isfinite(value).any():
        raise ValueError(f"{name}: no row has both a finite {loss} and a positive {clock}; there are {len(points['row'])} rows with either")
    if (value[np.isfinite(value)] < 0).all():
        tally.remark(f"{loss} is negative throughout, as an objective that grows is; its sign is kept")
    if found.offset.any():
        tally.facts.pop("total_steps", None)  # of an epoch, or of the part that was resumed
        tally.facts |= _epoch_of(points, found, clock, options, columns[loss])
    facts = _facts(columns, columns[loss], options, tally)
    step = _steps(points, found, at, shift, chosen, options, columns[loss])
    lr, schedule = _schedule(columns, options, name, tally, found, clock, column, shift, step is not at)
    tokens = at * facts["tokens_per_step"] if clock == "step" and "tokens_per_step" in facts else at
    curve = Curve(tokens, value, step, schedule, params=int(facts["params"]) if facts.get("params", 0) >= 1 else None)
    return Reading(curve, name, run, kind, loss, clock, column, lr, tally.rows, tally.to_json(), tally.remarks, facts)


def _known(points: Points, column: str, tally: Tally) -> Points:
    """A loss that broke is NaN; a column that writes nan wherever it has nothing is read as one with empty cells."""
    broken = np.isinf(points["value"])
    finite = np.flatnonzero(~broken)
    if len(finite) and broken[: finite[-1]].sum() > MOSTLY * len(broken):
        empty = broken
    else:  # the row of another metric at the same clock
        empty = broken & np.isin(points[column], points[column][~broken])
    if empty.any():
        tally.remark("nan between the values is read as an empty cell")
        points, broken = {name: values[~empty] for name, values in points.items()}, broken[~empty]
    if broken.any():
        tally.remark(f"the loss is nan or infinite in {rows(int(broken.sum()))}, first row {points['row'][broken][0]:.0f}")
    return {**points, "value": np.where(broken, np.nan, points["value"])}


def _clocked(points: Points, column: str, tally: Tally, clock: str) -> Points:
    there = np.isfinite(points[column])
    tally.skip_each(f"no {clock}", points["row"][~there].astype(int).tolist())
    return {name: values[there] for name, values in points.items()}


def _shift(values: Floats, clock: str, column: str, first_step: int, tally: Tally) -> float:
    """What is added to the clock so that it counts what has been trained: epochs and Lightning's steps are numbered from 0."""
    if clock == "epoch" and len(values) and values.min() == 0 and (values == np.rint(values)).all():
        tally.remark("epochs are numbered from 0: epoch 0 counts as one")
        return 1.0
    return 1.0 - first_step if clock == "step" else 0.0


def _facts(columns: Columns, loss: Series, options: Options, tally: Tally) -> dict[str, float]:
    """Tokens of a step and steps of an epoch: the user's word, the file's columns, or what is written beside it."""
    facts = dict(tally.facts)
    if options.tokens_per_step is not None:
        facts["tokens_per_step"] = options.tokens_per_step
    for fact, of, per in (
        ("tokens_per_step", "tokens", "step"),
        ("steps_per_epoch", "step", "epoch"),
        ("tokens_per_epoch", "tokens", "epoch"),
    ):
        for series in (loss, *columns.values()):
            a, b = clock_column(series, options, (of,)), clock_column(series, options, (per,))
            points = series.points() if a and b and fact not in facts else {}
            if a and b and points and (slope := rate(points[a[1]], points[b[1]])) is not None:
                facts[fact] = slope
    return facts


def _epoch_of(points: Points, found: Seams, clock: str, options: Options, series: Series) -> dict[str, float]:
    """Steps of an epoch where they begin again with each of its kind."""
    lengths = np.diff(found.offset)
    epochs = clock_column(series, options, ("epoch",)) if clock == "step" else None
    if epochs is None or not len(lengths) or np.ptp(lengths) > 0.02 * lengths.max():
        return {}
    passed = np.ptp(points[epochs[1]][np.isfinite(points[epochs[1]])])
    return {"steps_per_epoch": float(np.median(lengths))} if passed == len(lengths) else {}


def _steps(points: Points, found: Seams, at: Floats, shift: float, clock: tuple[str, str], options: Options, series: Series) -> Floats:
    """Optimiser steps beside another clock where the file has them, else the clock itself."""
    chosen = clock_column(series, options, ("step",)) if clock[0] != "step" else None
    if chosen is None:
        return at
    index, placed = found.place(points["row"], points[clock[1]])
    step = points[chosen[1]][index]
    known = np.isfinite(step)
    if known.sum() < 2 or (np.diff(step[known]) < 0).any():
        return at
    return np.asarray(np.interp(at - shift, placed[known], step[known]), dtype=np.float64)


def _schedule(
    columns: Columns, options: Options, name: str, tally: Tally, found: Seams, clock: str, column: str, shift: float, in_steps: bool
) -> tuple[str | None, Schedule | None]:
    """(column, schedule) in the curve's steps; None where the file has no rate, or none on the curve's clock."""
    lr = lr_column(columns, options, name, tally)
    if lr is None:
        return None, None
    points = columns[lr].points()
    kind = "step" if in_steps else clock
    chosen = (
        (kind, column) if kind == clock and np.isfinite(points.get(column, np.nan)).any() else clock_column(columns[lr], options, (kind,))
    )
    if chosen is None:
        tally.remark(f"{lr} has no {kind} beside it and is left out")
        return None, None
    points = {n: v[np.isfinite(points[chosen[1]]) & (points["value"] != BROKEN)] for n, v in points.items()}
    seam = found if kind == clock else Seams(np.zeros(1), np.zeros(1), np.full(1, np.inf), np.full(1, -np.inf), np.zeros(1, dtype=bool))
    index, step = seam.place(points["row"], points[chosen[1]])
    step, values = merged(step, points["value"][index], points["row"][index], Tally(), kind)
    step = step + (shift if kind == clock else 0.0)
    if (unit := rate_unit(lr)) != 1.0:
        tally.remark(f"{lr} is read in units of {unit:g}")
        values = values * unit
    if (values < 0).any():
        tally.remark(f"{int((values < 0).sum())} learning rates below zero are read as zero")
    values = np.maximum(values, 0.0)
    if not len(values) or not values.any():
        tally.remark(f"{lr} is zero throughout and is left out")
        return None, None
    return lr, Schedule(step, values)
