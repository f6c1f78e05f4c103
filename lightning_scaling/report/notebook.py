"""A study as HTML in a notebook: what it cost, its picture, a table of its first runs, and the runs that could not be read."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.report import sentences
from lightning_scaling.report.rows import rows, words
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.runs import Rejected

_SHOWN = 30
_DRAWN = 200  # runs: more make the picture heavy; .plot() draws any number
_COLUMNS: dict[str, tuple[str, Any]] = {
    "name": ("run", str),
    "family": ("family", str),
    "params": ("N", numbers.count),
    "tokens": ("tokens", numbers.count),
    "pf_days": ("PF-days", numbers.compute),
    "loss": ("loss", numbers.loss),
    "state": ("state", words),
    "verdict": ("verdict", words),
}


def page(records: Sequence[RunRecord], table: Sequence[Mapping[str, Any]], rejected: Sequence[Rejected]) -> str:
    """The HTML. Every name a user gave is escaped."""
    head = "".join(f"<th>{title}</th>" for title, _ in _COLUMNS.values())
    body = "".join(f"<tr>{''.join(_cell(row[name], write) for name, (_, write) in _COLUMNS.items())}</tr>" for row in table[:_SHOWN])
    more = f"<p>… and {len(table) - _SHOWN} more; <code>.table()</code> has them all.</p>" if len(table) > _SHOWN else ""
    runs = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"
    return f"<div><p>{escape(_lead(records))}</p>{_picture(records)}{runs}{_rejected(rejected)}</div>"


def _lead(records: Sequence[RunRecord]) -> str:
    return sentences.cost(rows(records)) if records else "0 runs"


def _picture(records: Sequence[RunRecord]) -> str:
    if not 0 < len(records) <= _DRAWN:
        return ""
    try:
        from lightning_scaling.report.figures import loss_against_compute
        from lightning_scaling.report.picture import themed
    except ImportError:  # no matplotlib here
        return ""
    drawn = themed(lambda theme: loss_against_compute(records, theme=theme), "Loss against training compute, a curve a run.")
    dark = f'<source media="(prefers-color-scheme: dark)" srcset="{drawn.others[0].uri}">'
    size = f'width="{drawn.light.width}" style="max-width:100%;height:auto"'
    return f'<picture>{dark}<img src="{drawn.light.uri}" alt="{drawn.alt}" {size}></picture>'


def _cell(value: Any, write: Any) -> str:
    side = "left" if write in (str, words) else "right"
    return f'<td style="text-align:{side}">{escape(write(value) if value is not None else "")}</td>'


def _rejected(rejected: Sequence[Rejected]) -> str:
    if not rejected:
        return ""
    items = "".join(f"<li>{escape(r.name or r.run_id)}: {escape(r.reason)}</li>" for r in rejected[:_SHOWN])
    return f"<details><summary>{len(rejected)} runs could not be read</summary><ul>{items}</ul></details>"
