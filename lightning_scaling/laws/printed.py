"""A fit as people read it: one sentence and a small table of constants and optima."""

from typing import TYPE_CHECKING

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.laws.extrapolation.larger import expected_loss
from lightning_scaling.laws.outcomes import SurfaceOutcome
from lightning_scaling.laws.surface.surface import CONSTANTS
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.printed import aligned

if TYPE_CHECKING:
    from lightning_scaling.laws.runs_fit import RunsFit

BUDGETS = (1, 10, 100)  # times the compute of the largest run
LEVEL = 0.9


def fit_text(fit: "RunsFit") -> str:
    """L(N, D) and the law of loss over compute, with what the runs identify."""
    parts = [surface_text(fit.surface)]
    parts += [fit.frontier._sentence()] if fit.frontier.usable else []
    parts += [] if fit.moe is None else [str(fit.moe)]
    parts += [f"note: {note}" for note in fit.notes]
    left = len(fit.runs.left_out)
    parts += [f"{left} runs were left out: " + "; ".join(f"{name} ({why})" for name, why in fit.runs.left_out[:3])] if left else []
    return "\n".join(parts)


def surface_text(fit: SurfaceFit) -> str:
    """The constants with their intervals, the outcome, and the best use of the largest run's compute, 10 and 100 times it."""
    sentence = f"L(N, D) = E + A/N^alpha + B/D^beta over {len(fit.points)} runs: {fit.outcome} ({fit.because})"
    if not fit.usable or fit.outcome is SurfaceOutcome.NO_FALL:
        return sentence
    rows = [("", "value", f"{100 * LEVEL:.0f} % interval")]
    for name in (*CONSTANTS, "N_exponent"):
        value = float(getattr(fit.surface, name))
        edges = numbers.between(*fit.interval(name, LEVEL), numbers.plain) if fit.resampled else numbers.ABSENT
        edges = numbers.OPEN if name in fit.undetermined else edges
        rows.append(("a of N* ∝ C^a" if name == "N_exponent" else name, numbers.plain(value), edges))
    return "\n".join([sentence, aligned(rows), *_optima(fit)])


def _optima(fit: SurfaceFit) -> list[str]:
    if not fit.split_identified:
        return [f"best split of a budget: {fit.split_identified}"]
    largest = fit.flops_per * float(np.max(fit.points.params * fit.points.tokens))
    rows: list[tuple[str, ...]] = [("best use of", "N*", "D*", "D*/N*", f"expected loss ({100 * LEVEL:.0f} % interval)")]
    best = fit.surface.optimum(largest * np.array(BUDGETS), fit.flops_per)
    made = expected_loss(fit, best.params, best.tokens, LEVEL)
    for flops, *sizes, loss, low, high in zip(
        best.flops, best.params, best.tokens, best.tokens_per_param, made.loss, made.low, made.high, strict=True
    ):
        rows.append((f"{numbers.scientific(flops)} FLOPs", *map(numbers.count, sizes), numbers.loss_interval(loss, low, high)))
    return [aligned(rows), *([] if made.shorten is None else [f"to shorten the distance: {made.shorten}"])]
