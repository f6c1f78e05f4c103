"""What `fit` computes of L(N, D), as one plain dict: the law, its intervals, optima, the backtest and the next runs."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lightning_scaling.cli.fit_answer import Planned, at_each, larger_found, outcome_of, runs_only
from lightning_scaling.cli.sources import Sources, explained, read_sources
from lightning_scaling.importers import Reading
from lightning_scaling.importers.runs_table import RunsTable, read_table
from lightning_scaling.importers.table_columns import NotATableError
from lightning_scaling.laws import RunsFit, SurfaceFit, finished_table, fit_runs, identifying_run, next_runs, propose_outliers, save
from lightning_scaling.laws.configurations import Replicates
from lightning_scaling.laws.points import FEWEST_PARAMS, FEWEST_TOKENS, require_units
from lightning_scaling.laws.surface.surface import CONSTANTS
from lightning_scaling.numbers import parse_compute
from lightning_scaling.units import pf_days

# Fewer runs in one file than this are one log that was taken for a table.
FEWEST_RUNS = 3
BUDGETS = (1, 10, 100)  # times the compute of the largest run


def answer(
    experiment: Sequence[str],
    unfinished: bool,
    flops: Sequence[str],
    next_budget: str | None,
    target: str | None,
    save_to: str | None,
    factor: float,
    compare: bool,
    params_column: str | None,
    active_column: str | None,
    flops_column: str | None,
    planned: Planned,
    read_as: Replicates,
    **how: Any,
) -> tuple[dict[str, Any], list[str]]:
    """Fit the runs of a table, of log files or of a store: (what was asked of them, in lines how the files were read)."""
    if target is not None and not next_budget:
        raise ValueError("--target is where the law of the next runs will be used: give --next-budget with it")
    hold_out, sources = how.pop("backtest"), read_sources(how, experiment)
    if how["resamples"] < 0:
        raise ValueError(f"--resamples must be zero or more, got {how['resamples']}")
    if not 0 < how["level"] < 1:
        raise ValueError(f"--level must lie between 0 and 1, got {how['level']}")
    if 0 < how["resamples"] < (needed := math.ceil(2 / (1 - how["level"]) - 1e-6)):
        raise ValueError(f"an interval of {100 * how['level']:g} % takes {needed} resamples or more; --resamples is {how['resamples']}")
    how["replicates"] = read_as
    fit, read = _fitted(sources, {"params": params_column, "active": active_column, "flops": flops_column}, unfinished, how)
    found = _law(fit) | _optima(fit, _budgets(fit, flops), read_as) | {"read": [each.to_json() for each in read]}
    found |= {"outliers": _outliers(fit), "identifying_run": _identifying(fit.surface)}
    if fit.moe is not None:
        found["moe"] = {name: getattr(fit.moe, name) for name in ("gamma", "gamma_interval")} | outcome_of(fit.moe)
        found["moe"]["words"] = str(fit.moe)
    if compare:
        found["approaches"] = _approaches(fit)
    if planned.size is not None:
        found["planned"] = _planned(fit, planned, planned.size, read_as)
    if hold_out:
        found["backtest"] = _backtest(fit, factor)
    if next_budget:
        aim = None if target is None else _compute("--target", target)
        found["next_runs"] = next_runs(fit.surface, _compute("--next-budget", next_budget), aim).ladder()
    if save_to and not fit.usable:
        raise ValueError(f"--save has no law to write: {fit.surface.outcome} ({fit.surface.because})")
    if save_to:
        found["saved"] = str(save(fit.surface, save_to))
    return found, explained(read)


def _fitted(
    sources: Sources, columns: dict[str, str | None], unfinished: bool, how: dict[str, Any]
) -> tuple[RunsFit, list[Reading | RunsTable]]:
    """The law, and how each file was read."""
    reason: NotATableError | None = None
    if _may_be_table(sources):
        try:
            return _of_table(sources, columns, unfinished, how)
        except NotATableError as error:
            reason = error
    try:
        study, read = sources.study()
        if reason is not None and len(study) < FEWEST_RUNS:
            raise reason
    except ValueError as error:
        raise reason or error from None
    return fit_runs(study.records, name=sources.title, unfinished=unfinished, **how), read


def _may_be_table(sources: Sources) -> bool:
    one = sources.files[0] if len(sources.files) == 1 else ""
    return (one == "-" or Path(one).is_file()) and sources.options.kind is None and sources.options.pattern is None


def _of_table(
    sources: Sources, columns: dict[str, str | None], unfinished: bool, how: dict[str, Any]
) -> tuple[RunsFit, list[Reading | RunsTable]]:
    (path,) = sources.files
    runs_only(sources)
    named = {**columns, **{role: sources.options.columns.get(role) for role in ("tokens", "loss")}, "run": sources.options.run_column}
    runs = read_table(path, {role: name for role, name in named.items() if name is not None})
    if unfinished:
        raise ValueError("--include-unfinished is for runs of a store: every row of a table counts as finished")
    table = finished_table(
        runs.params, runs.tokens, runs.loss, runs.flops, runs.run, {"source": path, "columns": runs.columns}, runs.active
    )
    return fit_runs(table, name=path, **how), [runs]


def _law(fit: RunsFit) -> dict[str, Any]:
    law, level = fit.surface, fit.level
    numbers = {name: _plain(getattr(law.surface, name)) for name in (*CONSTANTS, "N_exponent")}
    intervals = {name: [_plain(v) for v in law.interval(name, level)] for name in numbers} if law.resampled else None
    found: dict[str, Any] = {"law": law.name, "form": "E + A/N^alpha + B/D^beta", "constants": numbers, "intervals": intervals}
    found |= {
        "undetermined": sorted(law.undetermined),
        "level": level,
        "runs": len(fit.runs),
        "flops_per_param_and_token": fit.flops_per,
        "procedure": law.procedure,
    }
    found |= {"noise": _plain(law.noise), "objective": _plain(law.objective), "agreement": list(law.agreement)}
    found |= {"outcome": law.outcome.name, "meaning": str(law.outcome), "because": law.because}
    found |= {"split_identified": bool(fit.split_identified), "notes": list(fit.notes)}
    return found | {"left_out": [list(each) for each in fit.runs.left_out]}


def _optima(fit: RunsFit, budgets: list[float], read_as: Replicates) -> dict[str, Any]:
    """The best use of each budget, the loss to expect of it, and the run that would narrow that most."""
    optima = [_optimum(fit, budget) for budget in budgets]
    if not optima or not fit.surface.split_determined:
        return {"optima": optima, "shorten": None}
    made = fit.predict_larger([each["params"] for each in optima], [each["tokens"] for each in optima], replicates=read_as)
    expected = [{name: _plain(value) for name, value in each.items()} for each in at_each(made, len(optima))]
    optima = [each | {"expected": one} for each, one in zip(optima, expected, strict=True)]
    return {"optima": optima, "shorten": None if made.shorten is None else str(made.shorten)}


def _optimum(fit: RunsFit, budget: float) -> dict[str, Any]:
    best = fit.optimum(budget)
    found: dict[str, Any] = {"flops": budget, "pf_days": pf_days(budget)}
    if not fit.surface.split_determined:
        return found | dict.fromkeys(f"{name}{end}" for name in ("params", "tokens", "loss") for end in ("", "_interval"))
    parts = (("params", best.params, best.params_interval), ("tokens", best.tokens, best.tokens_interval))
    for name, value, interval in (*parts, ("loss", best.loss, best.loss_interval)):
        found |= {name: _plain(value), f"{name}_interval": None if interval is None else [_plain(v) for v in interval]}
    return found


def _budgets(fit: RunsFit, flops: Sequence[str]) -> list[float]:
    asked = [_compute("--flops", text) for text in flops]
    if not fit.usable:
        return []
    return asked or [times * float(fit.runs.flops.max()) for times in BUDGETS]


def _outliers(fit: RunsFit) -> dict[str, Any] | None:
    if not fit.usable:
        return None
    proposal = propose_outliers(fit.surface)
    without = None if proposal.dropped is fit.surface else {name: _plain(getattr(proposal.dropped, name)) for name in CONSTANTS}
    proposed = [fit.runs.keys[i] for i in np.flatnonzero(proposal.outlier)]
    return {"proposed": proposed, "because": proposal.because, "constants_without": without}


def _identifying(law: SurfaceFit) -> dict[str, Any] | None:
    """The run that would identify an open exponent, where one is open."""
    if law.identified or not law.usable:
        return None
    run = identifying_run(law)
    return {**vars(run), "meaning": str(run)}


def _approaches(fit: RunsFit) -> dict[str, Any]:
    found = fit.approaches
    if found is None:
        raise ValueError(f"--approaches compares fits of at least six runs, and there are {len(fit.runs)}: add runs or leave it out")
    rows = [{"approach": r.name, "N_exponent": r.N_exponent, "interval": r.interval, "because": r.because} for r in found.table]
    return {"table": rows, "verdict": found.verdict, "isoflop_bias": _plain(found.isoflops.exponent_bias)}


def _planned(fit: RunsFit, planned: Planned, size: tuple[float, float], read_as: Replicates) -> dict[str, Any]:
    if fit.moe is not None:
        raise ValueError("these runs are mixtures of experts of several ratios: predict with --moe, --at-params, --at-total, --at-tokens")
    if float(fit.runs.params.min(initial=np.inf)) >= FEWEST_PARAMS and float(fit.runs.tokens.min(initial=np.inf)) >= FEWEST_TOKENS:
        require_units("--at-params", size[0], FEWEST_PARAMS, "7B")
        require_units("--at-tokens", size[1], FEWEST_TOKENS, "2T")
    made = fit.predict_larger(*size, replicates=read_as)
    return larger_found(made, *size) | {"words": f"{planned}: {made}"}


def _backtest(fit: RunsFit, factor: float) -> dict[str, Any]:
    test = fit.backtest(factor)
    made = test.predicted
    rows = zip(test.params, test.tokens, test.loss, made.loss, made.low, made.high, made.factor, strict=True)
    names = ("params", "tokens", "loss", "predicted", "low", "high", "factor")
    held = [dict(zip(names, map(float, row), strict=True)) for row in rows]
    return {"because": test.because, "inside": test.inside, "outcome": made.outcome.name, "held_out": held}


def _compute(option: str, text: str) -> float:
    number = parse_compute(text)
    if not 0 < number < float("inf"):
        raise ValueError(f"{option} must be a positive amount of compute such as 1e21, 3.3 PF-days or 100 ZFLOPs, got {text!r}")
    return number


def _plain(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
