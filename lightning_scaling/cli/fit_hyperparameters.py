"""What `fit --hyper` computes: the best learning rate and batch size over N and D, and those of a planned run."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.cli.fit_answer import Found, Planned, outcome_of, table_of
from lightning_scaling.cli.sources import Sources, explained
from lightning_scaling.importers.runs_table import RunsTable
from lightning_scaling.laws import FinishedRuns, finished, fit_hyperparameters
from lightning_scaling.numbers import between, count, scientific, share
from lightning_scaling.printed import aligned
from lightning_scaling.run.record import RunRecord

# A column each; None: found by its usual names.
COLUMNS: dict[str, str | None] = {"learning rate": None, "batch": None}


def answer(sources: Sources, columns: Mapping[str, str], planned: Planned, level: float, unfinished: bool) -> Found:
    """The laws of the runs of a table with both columns, or of those of a store that recorded both."""
    table: RunsTable | None = None
    if sources.files:
        table = table_of(sources, "--hyper", {**COLUMNS, **columns})
        runs = (table.params, table.tokens, table.more["learning rate"], table.more["batch"], table.loss)
    else:
        runs = _recorded(finished(sources.study()[0].records, unfinished))
    fit = fit_hyperparameters(*runs, level)
    laws = {"learning_rate": fit.learning_rate, "batch_tokens": fit.batch_tokens}
    names = ("scale", "params_exponent", "tokens_exponent", "intervals", "scatter", "optima", "bounds")
    found: dict[str, Any] = {"law": "hyperparameters", "level": level, "optima": [vars(each) for each in fit.optima]}
    found |= {name: {each: getattr(law, each) for each in names} | outcome_of(law) for name, law in laws.items()}
    words = [str(fit)]
    if planned.size is not None:
        at = {name: law.at(*planned.size) for name, law in laws.items()}
        found["planned"] = {"params": planned.params, "tokens": planned.tokens, **at}
        rows = [_row("peak learning rate", at["learning_rate"], scientific), _row("batch (tokens)", at["batch_tokens"], count)]
        words.append(aligned([(str(planned), "best", f"{share(level)} interval"), *rows]))
    read = [] if table is None else [table]
    return Found(found | {"read": [each.to_json() for each in read]}, "\n\n".join(words), explained(read))


def _row(name: str, value: tuple[float, float, float], write: Any) -> tuple[str, str, str]:
    return name, write(value[0]), between(value[1], value[2], write)


def _recorded(runs: FinishedRuns) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Params, tokens, peak rate, batch in tokens and loss of the runs whose record holds both."""
    rows = [(r.params, r.tokens, *both, r.loss) for r in runs.records if (both := _rate_and_batch(r)) is not None]
    if not rows:
        raise ValueError("no finished run there holds its learning rates and optimiser steps: give a table with a column of each")
    params, tokens, rate, batch, loss = np.array(rows, dtype=np.float64).T
    return params, tokens, rate, batch, loss


def _rate_and_batch(record: RunRecord) -> tuple[float, float] | None:
    curve = record.curve
    if curve.schedule is None or curve.step is None or not curve.optimizer_steps or not curve.step[-1] > 0:
        return None
    return float(curve.schedule.lr.max()), float(curve.tokens[-1] / curve.step[-1])
