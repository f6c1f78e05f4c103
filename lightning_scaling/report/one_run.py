"""One run as a page that needs nothing else: its verdict, its numbers, its curve with every forecast of its end."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.report import methods
from lightning_scaling.report.averaged import averaged_words
from lightning_scaling.report.collapse import collapse_of
from lightning_scaling.report.figures import averaged_panel, collapse_panel, power_law_panel, run_panel
from lightning_scaling.report.page import cells, template
from lightning_scaling.report.picture import Picture, picture
from lightning_scaling.report.power_law import power_law_words
from lightning_scaling.report.rows import row, state_words, words
from lightning_scaling.run.at_half import checked
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.readings import more_data_of, plateau_of
from lightning_scaling.run.record import Prediction, RunRecord

_WIDE = (6.4, 3.6)  # inches
_COLLAPSE = "In percent of the loss expected there. Grey: how its siblings drift, each about its own level. Dotted: begin of a departure."
_AVERAGED = "The distance is what annealing brings: large while the learning rate is high, gone once it has decayed."
_MOST = 10  # forecasts in the table, evenly over the run


def run_page(record: RunRecord, siblings: Sequence[Curve] = ()) -> str:
    """The HTML; everything a user named is escaped by the template. A run without points or forecasts has a page, too.

    Args:
        siblings: finished curves of the family, for runs whose record holds no comparison with them.
    """
    run = row(record)
    drawn = picture(lambda theme: run_panel(record, theme, size=_WIDE), f"Loss over {numbers.count(run.tokens)} training tokens.")
    law = picture(lambda theme: power_law_panel(record, theme, _WIDE), "Loss over training compute with the power law of this run.")
    parts: dict[str, Any] = {"law": law, "law_words": power_law_words(record), "readings": readings(record)}
    parts |= {"collapse": _collapse(record, siblings), "averaged": _averaged(record)}
    parts |= {"facts": _facts(record), "forecasts": _forecasts(record), "methods": methods.paragraphs([record])}
    return str(template("run.html").render(run=cells(run), picture=drawn, **parts))


def _collapse(record: RunRecord, siblings: Sequence[Curve]) -> tuple[str, Picture | None] | None:
    """What the comparison with the family found, and its picture where there are looks."""
    found = collapse_of(record, siblings)
    if found is None:
        return None
    alt = "Loss above that of the family at equal share of the token budget."
    return found.because, picture(lambda theme: collapse_panel(found, theme), alt, _COLLAPSE) if len(found.x) else None


def _averaged(record: RunRecord) -> tuple[str, Picture] | None:
    text = averaged_words(record.curve)
    alt = "Loss of the last weights over tokens, and of the average of recent weights."
    return (text, picture(lambda theme: averaged_panel(record, theme), alt, _AVERAGED)) if text else None


def readings(record: RunRecord) -> list[tuple[str, str]]:
    """(reading, its sentence): the plateau that is called, and whether to keep adding data."""
    called, data = plateau_of(record), more_data_of(record)
    found = [] if called is None else [("Plateau", called.line.removeprefix("plateau: "))]
    return found + ([] if data is None else [("Keep adding data?", f"{words(data.answer)}: {data.because}")])


def _facts(record: RunRecord) -> list[tuple[str, str]]:
    run = cells(row(record))
    budget = record.planned_tokens
    share = f" ({100 * record.tokens / budget:.0f} % of its token budget)" if budget else ""
    cost = [("parameters", run["params"]), (f"training tokens{share}", run["tokens"]), ("PF-days", run["pf_days"])]
    return [("final loss" if record.ended else f"loss so far, {state_words(record)}", run["loss"]), *cost]


def _forecasts(record: RunRecord) -> list[dict[str, Any]]:
    made = [p for p in record.predictions if np.isfinite(p.loss)]
    return [_forecast(record, made[i]) for i in _spread(made)]


def _spread(made: Sequence[Prediction]) -> list[int]:
    return sorted({int(i) for i in np.linspace(0, len(made) - 1, min(_MOST, len(made))).round()}) if made else []


def _forecast(record: RunRecord, made: Prediction) -> dict[str, Any]:
    check = checked(record, made) if np.isfinite(made.low) else None  # without an interval it is the level so far
    return {
        "seen": f"{100 * made.tokens / made.at:.0f} %" if made.at else numbers.ABSENT,
        "tokens": numbers.count(made.tokens),
        "loss": numbers.loss(made.loss),
        "interval": numbers.between(made.low, made.high),
        "error": numbers.percent(check.error) if check else numbers.ABSENT,
        "inside": check.inside if check else None,
        "verdict": words(made.verdict),
    }
