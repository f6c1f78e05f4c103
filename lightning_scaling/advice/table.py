"""An advice as people read it: sentences, then a small table of what the next compute could buy; as text and as HTML."""

from html import escape
from typing import Any

from lightning_scaling.numbers import compute, count, loss_interval, share
from lightning_scaling.units import pf_days

MOST = 10.0  # gains beyond a thousand percent are not worth their digits


def as_text(advice: Any) -> str:
    """The sentences, then one row per option in columns."""
    lines, rows = sentences(advice), options_table(advice)
    if len(rows) < 2:
        return "\n".join(lines)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    table = ["  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows]
    return "\n".join([*lines, "", *table])


def as_html(advice: Any) -> str:
    """The same as paragraphs and a table."""
    lines, rows = sentences(advice), options_table(advice)
    text = "".join(f"<p>{escape(line)}</p>" for line in lines)
    if len(rows) < 2:
        return text
    body = "".join(f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in row)}</tr>" for row, tag in _tagged(rows))
    return f"{text}<table>{body}</table>"


def sentences(advice: Any) -> list[str]:
    """The verdict, the plateau where one is called, the answer about more data."""
    lines = [f"{advice.verdict.name}: {advice.verdict}. {advice.because}"]
    if advice.plateau is not None:
        lines.append(str(advice.plateau))
    if advice.family is not None and advice.family.because not in advice.because:
        lines.append(f"Family: {advice.family}")
    lines.append(f"Add data? {advice.add_data.name}: {advice.add_data_because}")
    return lines


def options_table(advice: Any) -> list[tuple[str, ...]]:
    """A row of headings, then one per option: best gain for its cost first."""
    rows: list[tuple[str, ...]] = [("option", "ends at", "gain", advice.unit, "PF-days", "how")]
    for each in advice.options:
        cost = compute(pf_days(each.flops)) if each.flops else "–"
        basis = {"forecast": "", "measured": " (measured on averaged weights)"}.get(each.basis, f" (by {each.basis})")
        gain = share(each.gain) if abs(each.gain) < MOST else "far off"
        rows.append((each.name, loss_interval(each.loss, each.low, each.high), gain, count(each.tokens), cost, each.what + basis))
    return rows


def _tagged(rows: list[tuple[str, ...]]) -> list[tuple[tuple[str, ...], str]]:
    return [(row, "td" if i else "th") for i, row in enumerate(rows)]
