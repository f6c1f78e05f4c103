"""A CSV of finished runs as arrays, its columns found by their usual names."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.numbers import parse_count
from lightning_scaling.units import tokens_for

NAMES = {
    "params": ("params", "n_params", "parameters", "num_params", "model_params", "model_size", "n", "size"),
    "tokens": ("tokens", "n_tokens", "train_tokens", "training_tokens", "num_tokens", "data", "d", "scaling/tokens"),
    "loss": ("loss", "val_loss", "eval_loss", "validation_loss", "final_loss", "test_loss", "scaling/val_loss"),
    "flops": ("flops", "c", "compute", "training_flops", "train_flops", "scaling/flops"),
    "run": ("run", "group", "run_id", "curve_id", "run_name"),
}


@dataclass(frozen=True, eq=False)
class RunsTable:
    """(n,) columns; `flops` and `run` are None where the file has none; `columns` holds which name was read as what."""

    params: Floats
    tokens: Floats
    loss: Floats
    flops: Floats | None
    run: tuple[str, ...] | None
    columns: dict[str, str]


def read_runs(path: str) -> RunsTable:
    """The runs in the file; ValueError in one line for a file, a column or a cell that cannot be read."""
    rows, columns = _read(Path(path))
    chosen = {role: name for role, names in NAMES.items() if (name := next((n for n in names if n in columns), None))}
    lacking = [role for role in ("params", "loss") if role not in chosen] + ([] if {"tokens", "flops"} & set(chosen) else ["tokens"])
    if lacking:
        expected = " or ".join(NAMES[lacking[0]][:4])
        raise ValueError(f"{path} has no column for {lacking[0]} (expected {expected}); its columns are {', '.join(columns)}")
    params, loss = _numbers(rows, columns, chosen["params"], path), _numbers(rows, columns, chosen["loss"], path)
    flops = _numbers(rows, columns, chosen["flops"], path) if "flops" in chosen else None
    tokens = _numbers(rows, columns, chosen["tokens"], path) if "tokens" in chosen else tokens_for(flops, params)
    run = tuple(row[columns[chosen["run"]]] for row in rows) if "run" in chosen else None
    return RunsTable(params, tokens, loss, flops if "tokens" in chosen else None, run, chosen)


def _read(path: Path) -> tuple[list[list[str]], dict[str, int]]:
    """Rows of cells, and the place of each column by its name in small letters."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file: a CSV with columns params, tokens and loss is expected") from error
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines(), delimiter=delimiter) if any(row)]
    if len(rows) < 2:
        raise ValueError(f"{path} has no runs: a line of column names (params, tokens, loss) and one line a run are expected")
    if uneven := [i for i, row in enumerate(rows, 1) if len(row) != len(rows[0])]:
        raise ValueError(f"{path}, line {uneven[0]}: {len(rows[uneven[0] - 1])} cells under {len(rows[0])} column names")
    return rows[1:], {name.lower(): i for i, name in enumerate(rows[0])}


def _numbers(rows: list[list[str]], columns: dict[str, int], name: str, path: str) -> Floats:
    values = np.array([parse_count(row[columns[name]]) for row in rows])
    bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
    if len(bad):
        raise ValueError(f"{path}, run {bad[0] + 1}: {name} must be a positive number, got {rows[bad[0]][columns[name]]!r}")
    return values
