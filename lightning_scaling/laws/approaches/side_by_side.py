"""The three approaches of Hoffmann et al. 2022, and Kaplan's law, on the same runs: side by side, with a sentence on why they differ."""
# ruff: noqa: N802 — constants keep the letters of the law

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

from numpy.typing import ArrayLike

from lightning_scaling.laws.approaches.curve_envelope import Envelope, envelope
from lightning_scaling.laws.approaches.isoflop import IsoFlops, isoflops
from lightning_scaling.laws.approaches.kaplan_fit import KaplanFit, fit_kaplan
from lightning_scaling.laws.surface.fit import fit_surface
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.numbers import signed


@dataclass(frozen=True)
class Approach:
    """One answer: a of N* ∝ C^a and b of D* ∝ C^b with their intervals (None: not available, `because` states why)."""

    name: str
    N_exponent: float | None
    interval: tuple[float, float] | None
    because: str

    @property
    def D_exponent(self) -> float | None:
        """b = 1 − a."""
        return None if self.N_exponent is None else 1 - self.N_exponent

    @property
    def D_interval(self) -> tuple[float, float] | None:
        """The interval of b."""
        return None if self.interval is None else (1 - self.interval[1], 1 - self.interval[0])


@dataclass(frozen=True, eq=False)
class Approaches:
    """All answers at one level, the objects behind them, and `verdict`: where they disagree and why."""

    table: tuple[Approach, ...]
    verdict: str
    level: float
    surface: SurfaceFit
    isoflops: IsoFlops
    kaplan: KaplanFit
    envelope: Envelope | None


def compare_approaches(
    params: ArrayLike,
    tokens: ArrayLike,
    loss: ArrayLike,
    curves: Sequence[Any] = (),
    *,
    flops: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    level: float = 0.9,
    resamples: int = 1000,
    seed: int | None = 0,
    surface: SurfaceFit | None = None,
) -> Approaches:
    """Approach 1 (with `curves`), 2 and 3 and Kaplan's joint law on the same runs.

    Args:
        curves: Curve or RunRecord of each run, for the envelope.
        flops: (n,) FLOPs of each run where they are not 6·N·D.
        surface: approach 3 where it has been fitted already.
    """
    surface = surface or fit_surface(params, tokens, loss, resamples, seed, groups, flops=flops)
    parabolas = isoflops(params, tokens, loss, flops, level, surface)
    kaplan = fit_kaplan(params, tokens, loss, resamples=min(resamples, 200), seed=seed, groups=groups)
    lower, lacking = _envelope(curves, level, seed)
    table = (_first(lower, lacking), _second(parabolas), _third(surface, level), _kaplan(kaplan, level))
    return Approaches(table, _unsure(surface) + _verdict(table, parabolas), level, surface, parabolas, kaplan, lower)


def _envelope(curves: Sequence[Any], level: float, seed: int | None) -> tuple[Envelope | None, str]:
    """The envelope, or why there is none: runs with one evaluation each have no curve to envelop."""
    if not len(curves):
        return None, "no curves of two evaluations or more"
    try:
        return envelope(curves, level=level, resamples=1000 if len(curves) <= 1000 else max(200, 10**6 // len(curves)), seed=seed), ""
    except ValueError as error:
        return None, str(error)


def _first(lower: Envelope | None, lacking: str) -> Approach:
    if lower is None or lower.growth is None:
        return Approach("1 envelope of curves", None, None, lower.because if lower else lacking)
    interval = lower.growth.N_exponent_interval
    return Approach("1 envelope of curves", lower.growth.N_exponent, None if isnan(interval[0]) else interval, lower.because)


def _second(found: IsoFlops) -> Approach:
    if found.growth is None:
        reasons = sorted({v.reason for v in found.curves if v.reason}) or ["no two budgets with four sizes each"]
        return Approach("2 IsoFLOP parabolas", None, None, "; ".join(reasons))
    because = f"{len(found.growth.flops)} IsoFLOP curves; estimated bias of the parabolas on a: {signed(f'{found.exponent_bias:+.3f}')}"
    return Approach("2 IsoFLOP parabolas", found.growth.N_exponent, found.growth.N_exponent_interval, because)


def _third(fit: SurfaceFit, level: float) -> Approach:
    if fit.resamples is None:
        return Approach("3 surface", None, None, fit.because)
    return Approach("3 surface", fit.surface.N_exponent, fit.interval("N_exponent", level), f"{fit.outcome.name.lower()}: {fit.because}")


def _kaplan(fit: KaplanFit, level: float) -> Approach:
    if fit.exponents is None:
        return Approach("Kaplan's joint law", None, None, fit.because)
    return Approach("Kaplan's joint law", fit.law.N_exponent, fit.interval(level), fit.because)


def _unsure(fit: SurfaceFit) -> str:
    return "" if fit.split_identified else "The surface is not identified by these runs, so its exponents mean little. "


def _verdict(table: tuple[Approach, ...], found: IsoFlops) -> str:
    known = [each for each in table if each.N_exponent is not None and each.interval is not None]
    if len(known) < 2:
        return "Fewer than two approaches could be carried out: there is nothing to compare."
    apart = [(p, q) for i, p in enumerate(known) for q in known[i + 1 :] if not _overlap(p, q)]
    values = ", ".join(f"{each.name} {each.N_exponent:.3f}" for each in known)
    if not apart:
        return f"The approaches agree within their intervals on a of N* ∝ C^a ({values})."
    return f"They disagree on a of N* ∝ C^a ({values}). " + " ".join(dict.fromkeys(_why(p, q, found) for p, q in apart))


def _overlap(p: Approach, q: Approach) -> bool:
    return p.interval is not None and q.interval is not None and p.interval[0] <= q.interval[1] and q.interval[0] <= p.interval[1]


def _why(p: Approach, q: Approach, found: IsoFlops) -> str:
    names = p.name + q.name
    if "Kaplan" in names:
        return "Kaplan's law has no irreducible loss, so what the floor explains in the others moves its exponents."
    if "2" in names and abs(found.exponent_bias) > 0.01:
        return f"Parabolas are biased on this grid, by an estimated {found.exponent_bias:+.3f} in a; trust the surface."
    if "1" in names:
        return "The envelope reads curves whose learning rate had not come down, which favours sizes that were further in their schedule."
    return "The surface assumes one exponent over all compute; the IsoFLOP curves do not: look at its residuals against compute."
