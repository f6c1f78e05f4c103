"""What `ladder run` prints about cells that were ended early: what that saved, what it was spent on, what it cost in certainty."""

import math
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.ladder.early_account import Account, Stopped
from lightning_scaling.ladder.quote import Expected
from lightning_scaling.run.record import finite_json
from lightning_scaling.units import pf_days


def account_lines(found: Account) -> list[str]:
    """A line for each cell that was ended early, one for what that saved and was spent on, and the standard errors."""
    lines = ["", "Ended early:", *map(_stopped, found.stopped)]
    saved = f"Saved: {numbers.count(found.saved_tokens)} tokens, {_cost(found.saved_flops)}"
    names = ", ".join(cell.name for cell in found.added)
    lines.append(f"{saved}; spent: {_cost(found.added_flops)} on {names}." if names else f"{saved}; nothing was spent on other runs.")
    lines.append(f"Expected standard errors, by {found.plain.law} and {numbers.share(found.plain.noise)} noise a run:")
    rows = [("every cell to its end", found.plain), ("ended early", found.ended)] + [("with what was added", found.spent)] * bool(names)
    return lines + [f"  {name:<21}  {_errors(each)}" for name, each in rows]


def _stopped(each: Stopped) -> str:
    end, at = each.end, numbers.share(each.tokens / each.cell.tokens)
    what = "enters the law by its forecast" if end.as_forecast else "enters the law as it is" if end.as_it_is else "left out of the law"
    what += f", weight {each.weight:.2f}" if end.as_forecast else ""
    return f"  {each.cell.name} at {at} of its tokens ({end.reason}; {what}): {end.because}"


def _cost(flops: float) -> str:
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
