"""The plan in words: counts as people write them, and one table of laws. Plain text, because loading rich would cost half of the time."""

from typing import Any

UNITS = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))


def count(value: float | None) -> str:
    """A count in three digits.

    >>> count(2.38e12), count(6.45e8), count(None)
    ('2.38T', '645M', '–')
    """
    if value is None:
        return "–"
    if value >= 1e15:
        return f"{value:.3g}"
    for size, letter in UNITS:
        if value >= size * 0.9995:
            return f"{value / size:.3g}{letter}" if value < 999.5 * size else f"{value / size:.0f}{letter}"
    return f"{value:.3g}"


def sentences(plan: dict[str, Any]) -> list[str]:
    """The answer to C = 6ND."""
    budget = f"{plan['flops']:.3g} FLOPs = {plan['pf_days']:.3g} PF-days"
    if plan["params"] is None:
        return [f"Budget: {budget}"]
    split = f"{count(plan['params'])} params on {count(plan['tokens'])} tokens ({plan['tokens_per_param']:.3g} tokens per param)"
    lines = [f"{split}: {budget}  (C = 6ND)"]
    if plan.get("unique_tokens"):
        from lightning_scaling.laws.repeated import effective

        worth = effective(plan["tokens"], min(plan["unique_tokens"], plan["tokens"]))
        lines.append(
            f"{plan['tokens'] / plan['unique_tokens']:.3g} epochs of {count(plan['unique_tokens'])}: worth {count(worth)} fresh tokens"
        )
    return lines


def table(plan: dict[str, Any]) -> str:
    """One row a law: its optimum for the budget, the loss it expects there and of the plan, and where it comes from."""
    served, planned = any("served" in r for r in plan["laws"]), any("planned_loss" in r for r in plan["laws"])
    header = [
        "law",
        "N*",
        "D*",
        "D*/N*",
        "loss",
        *(["loss of plan"] if planned else []),
        *(["served: N", "D"] if served else []),
        "constants",
    ]
    rows = [_cells(row, served, planned) for row in plan["laws"]]
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    lines = [_line(cells, widths) for cells in [header, *rows]]
    notes = [f"  {row['law']}: {said}" for row in plan["laws"] if (said := row.get("why_no_optimum") or row["note"])]
    return "\n".join([f"Optimum for {plan['flops']:.3g} FLOPs", *lines, *notes])


def _line(cells: list[str], widths: list[int]) -> str:
    """First and last column to the left, numbers to the right."""
    inner = [cell.rjust(width) for cell, width in zip(cells[1:-1], widths[1:-1], strict=True)]
    return "  ".join([cells[0].ljust(widths[0]), *inner, cells[-1]])


def _cells(row: dict[str, Any], served: bool, planned: bool) -> list[str]:
    per_token = row["counts"] == "FLOPs per token"
    size = count(row.get("params")) + (" FLOPs/token" if per_token and "params" in row else "")
    ratio = None if per_token else row.get("tokens_per_param")
    cells = [row["law"], size, count(row.get("tokens")), _short(ratio), _loss(row.get("loss"))]
    cells += [_loss(row.get("planned_loss"))] if planned else []
    life = row.get("served")
    cells += [count(life and life["params"]), count(life and life["tokens"])] if served else []
    return [*cells, row["provenance"]]


def _loss(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
