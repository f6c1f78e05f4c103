"""What `ladder plan`, `status` and `run` print; of cells that were ended early what that saved and what it cost in certainty."""

import json
import math
import time
from typing import Any

import click

from lightning_scaling import numbers
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.early_account import Account, Stopped
from lightning_scaling.ladder.quote import Expected, Quote, quote
from lightning_scaling.ladder.status import LadderStatus, status
from lightning_scaling.run.record import finite_json
from lightning_scaling.units import pf_days

MOST = 60  # cells of a table; the rest are counted


def show_plan(design: Design, as_json: bool, measure: bool, lanes: int | None) -> None:
    """The cells, what they cost and what they will identify."""
    found = quote(design, measure, lanes)
    if as_json:
        return click.echo(json.dumps(plan_document(design, found), allow_nan=False))
    from rich.console import Console

    console = Console(width=None if Console().is_terminal else 132)
    console.print(_plan_table(design, found))
    console.print(_cost(design, found), highlight=False)
    console.print(in_words(found.expected), highlight=False)
    return None


def plan_document(design: Design, found: Quote) -> dict[str, Any]:
    """The plan as one plain document."""
    cells = [
        {"id": c.id, "name": c.name, "family": c.family, "params": c.params, "tokens": c.tokens, "steps": c.steps, "flops": c.flops,
         "computed_flops": c.computed_flops, "seed": c.seed, "hyper": dict(c.hyper), "seconds": finite_json(found.step_times.cell(c))}
        for c in design.cells
    ]  # fmt: skip
    expected = None if found.expected is None else {name: finite_json(value) for name, value in vars(found.expected).items()}
    total = {"flops": design.flops, "computed_flops": design.computed_flops, "pf_days": pf_days(design.computed_flops)}
    return {"name": design.name, "cells": cells, **total, "seconds": finite_json(found.seconds), "lanes": found.lanes, "expected": expected}


def _plan_table(design: Design, found: Quote) -> Any:
    from rich.table import Table

    table = Table(title=f"{design.name}: {len(design.cells)} cells, {len(design.chains)} processes", box=None, title_justify="left")
    for name in ("cell", "N", "tokens", "steps", "tokens/N", "FLOPs", "computed", "PF-days", "time"):
        table.add_column(name, justify="left" if name == "cell" else "right")
    for c in design.cells[:MOST]:
        size = (numbers.count(c.params), numbers.count(c.tokens), f"{c.steps:,}", numbers.count(c.tokens / c.params))
        cost = (numbers.scientific(c.flops), numbers.scientific(c.computed_flops), numbers.compute(pf_days(c.computed_flops)))
        table.add_row(numbers.shortened(c.name, 30), *size, *cost, duration(found.step_times.cell(c)))
    if len(design.cells) > MOST:
        table.caption = f"and {len(design.cells) - MOST} more"
    return table


def _cost(design: Design, found: Quote) -> str:
    spent, shared = design.computed_flops, 1 - design.computed_flops / design.flops
    text = f"\nTotal: {numbers.scientific(spent)} FLOPs = {numbers.pf_days(pf_days(spent))} computed"
    text += f", {numbers.share(shared)} less than all paths, which share trunks" if shared > 1e-9 else ""
    if math.isfinite(found.seconds):
        text += f"; about {duration(found.seconds)} with {found.lanes} at a time (validations and start-up not counted)"
    return text + "."


def in_words(expected: Expected | None) -> str:
    """What the design will identify."""
    if expected is None:
        return "What it will identify is not known: it takes at least two cells."
    if not all(map(math.isfinite, (expected.alpha, expected.beta))):
        return f"It cannot identify L(N, D): its cells cannot tell size from data. Vary the tokens per parameter. (law: {expected.law})"
    errors = f"alpha ± {expected.alpha:.3f}, beta ± {expected.beta:.3f}, exponent of N* ± {expected.allocation:.3f}"
    optimum = f"N* at {numbers.scientific(expected.flops)} FLOPs ± {numbers.share(expected.optimum)}"
    far = f"no better than ± {numbers.share(expected.far_loss)}" if expected.far_loss < 1 else "open"
    optimum += f", loss at {numbers.scientific(expected.far_flops)} FLOPs {far}"
    verdict = "It will identify L(N, D)" if expected.identifies else "It will hardly identify L(N, D)"
    return f"{verdict}: {errors}; {optimum} (standard errors, if {expected.law} holds with {numbers.share(expected.noise)} noise a run)."


def show_status(design: Design, as_json: bool, watch: float | None) -> None:
    """The state of every cell, once or again and again."""
    from lightning_scaling.ladder.early_account import with_added

    while True:
        design = with_added(design)
        found = status(design)
        if as_json:
            return click.echo(json.dumps(status_document(design, found), allow_nan=False))
        if watch is not None:
            click.clear()
        click.echo(status_text(design, found))
        if watch is None or not (found.count("waiting") or found.count("running") or found.count("interrupted")):
            return None
        time.sleep(watch)


def status_document(design: Design, found: LadderStatus) -> dict[str, Any]:
    """The status as one plain document."""
    cells = [
        {"id": s.cell.id, "name": s.cell.name, "state": s.state, "share": s.share, "steps": s.steps, "loss": finite_json(s.loss),
         "attempt": s.attempt, "error": s.error, "verdict": s.verdict}
        for s in found.cells
    ]  # fmt: skip
    return {"name": design.name, "cells": cells, "share": found.share, "seconds_left": finite_json(found.seconds_left)}


def status_text(design: Design, found: LadderStatus) -> str:
    """A line for each state, one for each cell that is not waiting, and the errors."""
    states = ("finished", "stopped early", "running", "interrupted", "failed", "waiting")
    counted = ", ".join(f"{found.count(state)} {state}" for state in states if found.count(state))
    left = f", about {duration(found.seconds_left)} left" if math.isfinite(found.seconds_left) and found.share < 1 else ""
    lines = [f"{design.name}: {counted}; {numbers.share(found.share)} of the compute done{left}"]
    shown = [each for each in found.cells if each.state != "waiting"][:MOST]
    width = max((len(each.cell.name) for each in shown), default=0)
    for each in shown:
        line = f"  {each.cell.name:<{width}}  {each.state:<13} {100 * each.share:3.0f} %  loss {numbers.loss(each.loss)}"
        lines.append(line + (f"  attempt {each.attempt}: {each.error}" if each.error else ""))
    return "\n".join(lines)


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(42.4), duration(130), duration(7300), duration(float("nan"))
    ('42 s', '2:10 min', '2.0 h', '–')
    """
    if not math.isfinite(seconds):
        return numbers.ABSENT
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds // 60:.0f}:{seconds % 60:02.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def account_lines(found: Account) -> list[str]:
    """A line for each cell that was ended early, one for what that saved and was spent on, and the standard errors."""
    lines = ["", "Ended early:", *map(_stopped, found.stopped)]
    saved = f"Saved: {numbers.count(found.saved_tokens)} tokens, {_compute(found.saved_flops)}"
    names = ", ".join(cell.name for cell in found.added)
    lines.append(f"{saved}; spent: {_compute(found.added_flops)} on {names}." if names else f"{saved}; nothing was spent on other runs.")
    lines.append(f"Expected standard errors, by {found.plain.law} and {numbers.share(found.plain.noise)} noise a run:")
    rows = [("every cell to its end", found.plain), ("ended early", found.ended)] + [("with what was added", found.spent)] * bool(names)
    return lines + [f"  {name:<21}  {_errors(each)}" for name, each in rows]


def _stopped(each: Stopped) -> str:
    end, at = each.end, numbers.share(each.tokens / each.cell.tokens)
    what = "enters the law by its forecast" if end.as_forecast else "enters the law as it is" if end.as_it_is else "left out of the law"
    what += f", weight {each.weight:.2f}" if end.as_forecast else ""
    return f"  {each.cell.name} at {at} of its tokens ({end.reason}; {what}): {end.because}"


def _compute(flops: float) -> str:
    return f"{numbers.scientific(flops)} FLOPs = {numbers.pf_days(pf_days(flops))}"


def _errors(found: Expected) -> str:
    if not all(map(math.isfinite, (found.alpha, found.beta))):
        return "L(N, D) cannot be identified"
    exponents = f"alpha ± {found.alpha:.3f}, beta ± {found.beta:.3f}, exponent of N* ± {found.allocation:.3f}"
    return f"{exponents}, N* at {numbers.scientific(found.flops)} FLOPs ± {numbers.share(found.optimum)}"


def account_document(found: Account) -> dict[str, Any]:
    """The same as one plain document."""
    stopped = [
        {"id": each.cell.id, "name": each.cell.name, "share": each.tokens / each.cell.tokens, "saved_tokens": each.saved_tokens,
         "saved_flops": each.saved_flops, "weight": each.weight, **each.end.to_json()}
        for each in found.stopped
    ]  # fmt: skip
    saved = {"tokens": found.saved_tokens, "flops": found.saved_flops, "pf_days": pf_days(found.saved_flops)}
    added = [{"id": cell.id, "name": cell.name, "flops": cell.computed_flops} for cell in found.added]
    errors = {name: finite_json(vars(getattr(found, name))) for name in ("plain", "ended", "spent")}
    return {"stopped": stopped, "saved": saved, "added": added, "standard_errors": errors}
