"""One run in full: its curve, the forecasts, the verdict, how it departs from its family, its measured annealed loss."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.report.averaged import averaged_of, averaged_words
from lightning_scaling.report.collapse import collapse_of
from lightning_scaling.report.power_law import power_law_line, power_law_words
from lightning_scaling.report.rows import row, state_words, words
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.readings import MoreData, more_data_of, plateau_of
from lightning_scaling.run.record import Prediction, RunRecord, RunState
from lightning_scaling.server.overview import column, number, rounded

_PLACES = 40


def one_run(record: RunRecord, siblings: Sequence[Curve] = ()) -> dict[str, Any]:
    """Ready for JSON. `siblings`: finished curves of the family, whose response to the schedule is transferred."""
    facts, last = row(record), record.predictions[-1] if record.predictions else None
    where = {"id": record.run_id, "name": facts.name, "experiment": record.experiment, "family": record.family}
    cost = {"params": facts.params, "tokens": facts.tokens, "flops": number(facts.flops), "planned": record.planned_tokens}
    state = {"loss": number(facts.loss), "state": record.state.name, "stateName": state_words(record), "stateText": str(record.state)}
    advice = {"verdict": words(last.verdict) if last else "", "because": last.because if last else ""}
    half = None if facts.forecast is None else {**_values(facts.forecast), "error": number(facts.error), "inside": facts.inside}
    counted = {name: value for name, value in asdict(record.conventions).items() if value}
    known = {"uniqueTokens": record.curve.unique_tokens, "conventions": counted, "half": half}
    called, data = plateau_of(record), more_data_of(record)
    known |= {"plateau": None if called is None else called._asdict(), "moreData": None if data is None else _data(data)}
    return {
        **where,
        **cost,
        **state,
        **advice,
        **known,
        "curve": _curve(record),
        "made": _made(record),
        "expected": _expected(record, siblings),
        "powerLaw": _power_law(record),
        "collapse": _collapse(record, siblings),
        "averaged": _averaged(record.curve),
    }


def _data(data: MoreData) -> dict[str, str]:
    return {"answer": words(data.answer), "because": data.because}


def _power_law(record: RunRecord) -> dict[str, Any]:
    """L(C) of this run in words, and over its own FLOPs where it has numbers."""
    line = power_law_line(record)
    drawn = None if line is None else {"flops": column(line[0]), "loss": rounded(line[1])}
    return {"words": power_law_words(record), "line": drawn}


def _collapse(record: RunRecord, siblings: Sequence[Curve]) -> dict[str, Any] | None:
    """The run against its family: shares x, log loss r above it, how siblings drift; no looks where there are words only."""
    found = collapse_of(record, siblings)
    if found is None:
        return None
    looks = {"x": rounded(found.x), "r": rounded(found.r), "drift": [rounded(each) for each in found.drift]}
    return {
        "because": found.because,
        "departs": found.departs,
        "since": number(found.since),
        "sinceWords": numbers.share(found.since),
        **looks,
    }


def _averaged(curve: Curve) -> dict[str, Any] | None:
    """The measured annealed loss, and what it is in words."""
    pairs = averaged_of(curve)
    return None if pairs is None else {"words": averaged_words(curve), "tokens": column(pairs.tokens), "loss": rounded(pairs.averaged)}


def _curve(record: RunRecord) -> dict[str, list[Any]]:
    return {"tokens": record.curve.tokens.tolist(), "loss": rounded(record.curve.loss), "flops": column(record.flops)}


def _made(record: RunRecord) -> list[dict[str, Any]]:
    """The forecasts of the run's end, oldest first."""
    return [_values(p) for p in record.predictions if np.isfinite(p.loss)]


def _values(prediction: Prediction) -> dict[str, Any]:
    return {name: number(getattr(prediction, name)) for name in ("tokens", "at", "loss", "low", "high")}


def _expected(record: RunRecord, siblings: Sequence[Curve]) -> dict[str, Any] | None:
    """The interval from the last point to the end of the token budget, for a run in progress, with the outcome of the forecast."""
    from lightning_scaling.forecasting import forecast

    budget = record.planned_tokens
    if record.state is not RunState.RUNNING or not budget or budget <= record.tokens or not len(record.curve):
        return None
    at = np.geomspace(record.tokens, budget, _PLACES + 1)[1:]
    found = forecast(record.curve, at, siblings=siblings)
    bounds = {"loss": rounded(found.loss), "low": rounded(found.low), "high": rounded(found.high)}
    return {"tokens": column(at), **bounds, "level": found.level, "floor": number(found.floor), "outcome": str(found.outcome)}
