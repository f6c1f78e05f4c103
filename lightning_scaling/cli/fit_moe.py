"""What `fit --moe` computes: the law over active and total parameters, and loss and leverage of a planned run."""

from collections.abc import Mapping
from typing import Any

from lightning_scaling.arrays import Floats
from lightning_scaling.cli.fit_answer import Found, Planned, larger_found, outcome_of, table_of
from lightning_scaling.cli.sources import Sources, explained
from lightning_scaling.importers.runs_table import RunsTable
from lightning_scaling.laws import MoEFit, finished, fit_moe, predict_larger
from lightning_scaling.laws.surface.surface import CONSTANTS
from lightning_scaling.numbers import between, count, plain

Columns = tuple[Floats, Floats, Floats, Floats]


def answer(sources: Sources, columns: Mapping[str, str], planned: Planned, level: float, unfinished: bool) -> Found:
    """The law of the runs of a table with both columns, or of a store."""
    if planned.size is not None and (planned.total is None or planned.total < planned.size[0]):
        raise ValueError("--moe predicts a run of --at-params active of --at-total parameters, equal for a dense one: give --at-total too")
    table = table_of(sources, "--moe", columns) if sources.files else None
    runs = _of_store(sources, unfinished) if table is None else _of_table(table)
    fit = fit_moe(*runs, level)
    names = ("gamma", "gamma_interval", "drift", "centre", "held_out", "level")
    found: dict[str, Any] = {"law": "moe", **{name: getattr(fit, name) for name in names}, **outcome_of(fit)}
    found["constants"] = {name: getattr(fit.surface, name) for name in CONSTANTS} if fit.usable else None
    words = [str(fit)]
    if planned.size is not None and planned.total is not None and fit.usable:
        found["planned"], more = _planned(fit, runs, planned, *planned.size, planned.total)
        words.append(more)
    read = [] if table is None else [table]
    return Found(found | {"read": [each.to_json() for each in read]}, "\n\n".join(words), explained(read))


def _of_table(table: RunsTable) -> Columns:
    if table.active is None:
        raise ValueError(
            f"{table.name} has no column of active parameters beside {table.columns['params']}: name it with --active-column, or in the "
            "header, e.g. 'active params'"
        )
    return table.active, table.params, table.tokens, table.loss


def _of_store(sources: Sources, unfinished: bool) -> Columns:
    runs = finished(sources.study()[0].records, unfinished)
    if runs.active is None or runs.total is None:
        raise ValueError(f"--moe needs runs of mixtures of experts, and the {len(runs)} finished runs there are dense: fit without it")
    return runs.active, runs.total, runs.tokens, runs.loss


def _planned(fit: MoEFit, runs: Columns, planned: Planned, active: float, tokens: float, total: float) -> tuple[dict[str, Any], str]:
    """The planned run as a dense one of its effective size, by the estimator for larger runs, and its leverage."""
    size, leverage = float(fit.effective(active, total)), fit.leverage(active, total)
    made = predict_larger(fit.effective(runs[0], runs[1]), runs[2], runs[3], size, tokens, fit.level)
    found = larger_found(made, planned.params, planned.tokens) | {"total": total, "effective": size, "leverage": list(leverage)}
    gain = f"leverage {plain(leverage[0])} ({between(leverage[1], leverage[2], plain)})"
    return found, f"{planned}, as a dense model of {count(size)} params; {gain}. {made}"
