"""A study as HTML in a notebook: a table of its first runs, and below it the runs that could not be read."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_SHOWN = 30
_COLUMNS = {
    "name": "run",
    "family": "family",
    "params": "N",
    "tokens": "tokens",
    "pf_days": "PF-days",
    "loss": "loss",
    "state": "state",
    "verdict": "verdict",
}


def page(rows: Sequence[Mapping[str, Any]], rejected: Sequence[Mapping[str, Any]]) -> str:
    """The HTML. Every name a user gave is escaped."""
    head = "".join(f"<th>{title}</th>" for title in _COLUMNS.values())
    body = "".join(f"<tr>{''.join(_cell(row[name]) for name in _COLUMNS)}</tr>" for row in rows[:_SHOWN])
    more = f"<p>… and {len(rows) - _SHOWN} more; <code>.table()</code> has them all.</p>" if len(rows) > _SHOWN else ""
    title = f"<p><b>{len(rows)} runs</b></p>"
    return f"<div>{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}{_rejected(rejected)}</div>"


def _cell(value: Any) -> str:
    if isinstance(value, (int, float)):
        return f'<td style="text-align:right">{value:.4g}</td>'
    return f"<td>{escape(str(value or ''))}</td>"


def _rejected(rejected: Sequence[Mapping[str, Any]]) -> str:
    if not rejected:
        return ""
    items = "".join(f"<li>{escape(r['name'] or r['run_id'])}: {escape(r['reason'])}</li>" for r in rejected[:_SHOWN])
    return f"<details><summary>{len(rejected)} runs could not be read</summary><ul>{items}</ul></details>"
