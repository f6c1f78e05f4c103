"""Which law `fit` was asked for, and which options that one takes: what it cannot use is refused, never ignored."""

from typing import Any

from lightning_scaling.cli import fit_hyper, fit_moe, fit_task, fitting
from lightning_scaling.cli.column_law import Found, Planned
from lightning_scaling.cli.fitting_words import words
from lightning_scaling.cli.sources import read_sources

KINDS = ("task", "hyper", "moe")
# Options of the surface alone, by their names on the command line.
OF_SURFACE = {
    "objective": "--objective", "resamples": "--resamples", "seed": "--seed", "backtest": "--backtest", "factor": "--factor",
    "flops": "--flops", "next_budget": "--next-budget", "target": "--target", "compare": "--approaches", "save_to": "--save",
}  # fmt: skip
# Options that only these kinds take; "" is the surface.
TAKEN_BY = {
    "chance": ("--chance", ("task",)),
    "batch_column": ("--batch-column", ("hyper",)),
    "at_total": ("--at-total", ("moe",)),
    "active_column": ("--active-column", ("", "moe")),
    "flops_column": ("--flops-column", ("",)),
    "read_as": ("--replicates", ("", "task")),
    "unfinished": ("--include-unfinished", ("", "hyper", "moe")),
}


def answer(stated: set[str], given: dict[str, Any]) -> Found:
    """The law that was asked for.

    Args:
        stated: names of the options that were written on the command line.
        given: all options.
    """
    kind = _kind(given)
    _require_taken(kind, stated)
    if "factor" in stated and not given["backtest"]:
        raise ValueError("--factor says which runs --backtest holds out: give --backtest with it")
    planned = Planned(*(given.pop(name) for name in ("at_params", "at_total", "at_tokens")))
    task, chance, batch, _, _ = (given.pop(name) for name in ("task", "chance", "batch_column", "hyper", "moe"))
    if not kind:
        found, read = fitting.answer(planned=planned, **given)
        return Found(found, words(found), read)
    level, unfinished, read_as = given["level"], given["unfinished"], given["read_as"]
    named = {"params": given["params_column"], "active": given["active_column"]}
    sources = read_sources(given, given["experiment"])
    named |= {"run": sources.options.run_column, **{role: sources.options.columns.get(role) for role in ("tokens", "loss")}}
    named |= {"learning rate": sources.options.columns.get("lr"), "batch": batch} if kind == "hyper" else {}
    columns = {role: name for role, name in named.items() if name is not None}
    if sources.files and unfinished:
        raise ValueError("--include-unfinished is for runs of a store: every row of a table counts as finished")
    if kind == "task":
        return fit_task.answer(sources, columns, planned, level, task, chance, read_as)
    fitted = fit_hyper.answer if kind == "hyper" else fit_moe.answer
    return fitted(sources, columns, planned, level, unfinished)


def _kind(given: dict[str, Any]) -> str:
    asked = [kind for kind in KINDS if given[kind]]
    if len(asked) > 1:
        raise ValueError(f"--{asked[0]} and --{asked[1]} are laws of their own: ask for one at a time")
    return asked[0] if asked else ""


def _require_taken(kind: str, stated: set[str]) -> None:
    for name, option in OF_SURFACE.items():
        if kind and name in stated:
            raise ValueError(f"{option} belongs to the law L(N, D) and has no part in --{kind}: leave it out, or fit without --{kind}")
    for name, (option, kinds) in TAKEN_BY.items():
        if name in stated and kind not in kinds:
            needed = " or ".join(f"--{each}" for each in kinds if each) or f"a fit without --{kind}"
            raise ValueError(f"{option} goes with {needed}")
