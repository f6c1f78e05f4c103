"""The files that a finished run leaves in its store: the curve, the last forecast and advice, the report, its picture."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from lightning_scaling.monitor.judging import Judgement
from lightning_scaling.run.record import RunRecord


def files(record: RunRecord, judgement: Judgement | None) -> Iterator[tuple[str, str | bytes]]:
    """(name, content) of each file; report and picture only where matplotlib and jinja2 are installed."""
    yield "scaling/curve.csv", curve_csv(record)
    if judgement is not None:
        yield "scaling/forecast.json", json.dumps(judged(judgement), indent=2)
    for name, make in (("scaling/run.png", _picture), ("scaling/report.html", _report)):
        try:
            yield name, make(record)
        except ImportError:  # no matplotlib or jinja2 here
            continue


def curve_csv(record: RunRecord) -> str:
    """The curve as a table: tokens, flops, step, loss."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["tokens", "flops", "step", "loss"])
    curve = record.curve
    steps = curve.step if curve.step is not None else [""] * len(curve)
    writer.writerows(zip(curve.tokens.tolist(), record.flops.tolist(), steps, curve.loss.tolist(), strict=True))
    return out.getvalue()


def judged(judgement: Judgement) -> dict[str, Any]:
    """The forecast and the advice as plain numbers."""
    found = judgement.forecast
    numbers = {name: float(getattr(found, name)) for name in ("loss", "low", "high", "level", "floor", "noise")}
    return {"at": judgement.at, **numbers, "law": found.law, "outcome": found.outcome.name, "advice": judgement.advice.to_json()}


def _picture(record: RunRecord) -> bytes:
    from lightning_scaling.report.figures import run_panel

    figure, out = run_panel(record), io.BytesIO()
    figure.savefig(out, format="png", dpi=120)
    return out.getvalue()


def _report(record: RunRecord) -> str:
    from lightning_scaling.report.one_run import run_page

    return run_page(record)
