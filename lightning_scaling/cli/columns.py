"""A loss curve read from a CSV file: which column is which, and one clear line where it cannot be told."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lightning_scaling.run.curve import Curve
from lightning_scaling.run.schedule import Schedule

# Names as trackers and training scripts write them, most telling first; compared in lower case without "/", "-", "." and spaces.
NAMES = {
    "tokens": (
        "tokens",
        "scaling_tokens",
        "tokens_seen",
        "num_tokens",
        "total_tokens",
        "train_tokens",
        "consumed_tokens",
        "examples",
        "samples",
    ),
    "loss": ("val_loss", "scaling_val_loss", "valid_loss", "validation_loss", "eval_loss", "loss", "train_loss", "lm_loss"),
    "lr": ("lr", "learning_rate", "lr_adamw", "lr_adam", "lr_sgd", "eta"),
    "step": ("step", "steps", "global_step", "iteration", "iter", "iterations", "trainer_global_step"),
}


def read_curve(path: str, named: Mapping[str, str | None] | None = None) -> Curve:
    """The curve in a CSV file with a header; `named` maps "tokens", "loss", "lr" or "step" to a column, the rest is guessed.

    Without tokens the steps are the clock. A column of rates is the plan of the whole run; rows without a loss may tell its future.

    Raises:
        ValueError: no header, a column that is not there, no loss or clock, text where a number should be.
    """
    header, rows = _table(path)
    column = {what: _find(path, header, what, (named or {}).get(what)) for what in NAMES}
    if column["loss"] is None:
        raise ValueError(f"{path}: no column of losses among {', '.join(header)}; name it with --loss-column")
    if column["tokens"] is None and column["step"] is None:
        raise ValueError(f"{path}: no column of tokens or steps among {', '.join(header)}; name one with --tokens-column or --step-column")
    values = {what: None if i is None else _numbers(path, header[i], [r[i] for r in rows]) for what, i in column.items()}
    logged = np.array([bool(r[column["loss"]].strip()) for r in rows])
    return _curve(path, values, logged)


def _table(path: str) -> tuple[list[str], list[list[str]]]:
    text = Path(path).read_text(encoding="utf-8-sig")
    rows = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    if len(rows) < 2:
        raise ValueError(f"{path}: needs a header and at least one row of numbers")
    header = [name.strip() for name in rows[0]]
    for i, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise ValueError(f"{path}: row {i} has {len(row)} cells where the header has {len(header)}")
    return header, rows[1:]


def _find(path: str, header: list[str], what: str, wanted: str | None) -> int | None:
    if wanted is not None:
        if wanted not in header:
            raise ValueError(f"{path}: no column {wanted!r}; there are {', '.join(header)}")
        return header.index(wanted)
    plain = [_plain(name) for name in header]
    return next((plain.index(name) for name in NAMES[what] if name in plain), None)


def _plain(name: str) -> str:
    for mark in "/-. ":
        name = name.replace(mark, "_")
    return name.lower().strip("_")


def _numbers(path: str, name: str, cells: list[str]) -> NDArray[np.float64]:
    """Empty cells are NaN: trackers leave them where another metric was logged."""
    try:
        return np.array([float(cell) if cell.strip() else np.nan for cell in cells])
    except ValueError as error:
        raise ValueError(f"{path}: column {name!r} holds text where a number should be ({error})") from None


def _curve(path: str, values: Mapping[str, NDArray[np.float64] | None], logged: NDArray[np.bool_]) -> Curve:
    """A loss written as nan is one that broke, and belongs to the curve; an empty cell is none."""
    loss, lr, step = values["loss"], values["lr"], values["step"]
    tokens = values["tokens"] if values["tokens"] is not None else step
    assert loss is not None
    assert tokens is not None
    step = tokens if step is None else step
    told = np.isfinite(tokens) & np.isfinite(step)
    schedule = None
    if lr is not None and (known := told & np.isfinite(lr)).any():
        schedule = Schedule(step[known], lr[known])
    seen = told & logged & (tokens > 0)
    if not np.isfinite(loss[seen]).any():
        raise ValueError(f"{path}: no row has both a finite loss and a positive number of tokens or steps")
    try:
        return Curve(tokens[seen], loss[seen], step[seen], schedule)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
