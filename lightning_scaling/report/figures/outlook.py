"""One run and its forecast: its loss so far with its power law, the band of every loss up to the end asked for, the rate below.

Tokens stand below and, where the size of the model is known, the same in FLOPs above. The band follows the learning-rate schedule, so
the annealing gain shows where it is expected.
"""

from typing import Any

import numpy as np

from lightning_scaling import numbers
from lightning_scaling.forecasting import Forecast
from lightning_scaling.laws.frontier.power import fit_power_law
from lightning_scaling.report.figures.axes import log_axis, new_figure, note, padded, round_numbers, settle
from lightning_scaling.report.figures.labels import halo
from lightning_scaling.report.theme import Theme, drawing, size_colours, theme_of
from lightning_scaling.run.curve import Curve
from lightning_scaling.units import training_flops

SHOWN = 0.02  # of the tokens asked for: the fall before that would flatten everything after it
PLACES = 64  # of the band


def places(curve: Curve, at: float) -> Any:
    """(m,) tokens from now to `at`, at which the band is forecast; `at` alone where it has been passed."""
    now = float(curve.tokens[-1])
    return np.linspace(now, at, PLACES + 1)[1:] if at > now else np.array([at])


def outlook(curve: Curve, band: Forecast, theme: str | Theme = "light") -> Any:
    """A matplotlib Figure of `curve` and of a forecast at several `places`, the last of them the end."""
    look = theme_of(theme)
    with drawing(look):
        planned = curve.schedule is not None and curve.step is not None
        shape: dict[str, Any] = dict(nrows=2, sharex=True, height_ratios=(5, 1)) if planned else {}
        figure, axes = new_figure(6.4, 4.4 if planned else 3.8, look, **shape)
        above, below = (axes[0], axes[1]) if planned else (axes, axes)
        _losses(above, curve, band, look)
        if planned:
            _rates(below, curve, band, look)
        below.set_xlabel("tokens")
        return settle(figure)


def _losses(axes: Any, curve: Curve, band: Forecast, look: Theme) -> None:
    shown = np.isfinite(curve.loss) & (curve.tokens >= min(SHOWN * band.at[-1], curve.tokens[-1] / 2))
    axes.set_ylabel("loss")
    axes.plot(curve.tokens[shown], curve.loss[shown], color=size_colours([curve.params], look)[0], zorder=3, gid="curve")
    log_axis(axes.xaxis, *padded(np.r_[curve.tokens[shown], band.at]), write=numbers.count)
    if curve.params is not None:
        _compute_above(axes, curve.params)
    if not np.isfinite(band.low[-1]):
        return note(axes, str(band.outcome))
    _power_law(axes, curve, look)
    axes.fill_between(band.at, band.low, band.high, color=look.accent, alpha=0.2, lw=0, zorder=1, gid="band")
    axes.plot(band.at, band.loss, color=look.accent, lw=1.1, ls=(0, (4, 2)), zorder=2)
    bar = [[band.loss[-1] - band.low[-1]], [band.high[-1] - band.loss[-1]]]
    axes.errorbar(band.at[-1], band.loss[-1], yerr=bar, fmt="D", color=look.accent, mfc=look.paper, mew=1.2, ms=4.5, capsize=4, zorder=4)
    axes.set_title(_title(band))


def _power_law(axes: Any, curve: Curve, look: Theme) -> None:
    """L(C) over the curve where N is known, else L(D), with its constants; or the reason why there is none."""
    law = fit_power_law(curve, x="tokens" if curve.params is None else "compute")
    if np.isfinite(law.exponent):
        tokens = np.geomspace(max(axes.get_xlim()[0], curve.tokens[0]), curve.tokens[-1], PLACES)
        x = tokens if curve.params is None else training_flops(curve.params, tokens)
        axes.plot(tokens, law.predict(x), color=look.muted, lw=1.3, ls=(0, (5, 2)), zorder=4, gid="power-law")
    where = dict(transform=axes.transAxes, ha="right", va="top", fontsize=7.5, color=look.muted)
    halo(axes.text(0.985, 0.97, f"power law so far: {law}".replace("; ", "\n"), **where), look)


def _compute_above(axes: Any, params: int) -> None:
    """The tokens of the axis as FLOPs, 6·N·D."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    above = axes.secondary_xaxis("top", functions=(lambda t: training_flops(params, t), lambda c: c / training_flops(params, 1)))
    low, high = (training_flops(params, edge) for edge in axes.get_xlim())
    above.set_xlabel("training compute C (FLOPs)")
    above.xaxis.set_major_locator(FixedLocator(round_numbers(low, high, 7)))
    above.xaxis.set_minor_locator(NullLocator())
    above.xaxis.set_major_formatter(FuncFormatter(lambda value, _: numbers.scientific(value)))


def _title(band: Forecast) -> str:
    between = numbers.between(band.low[-1], band.high[-1])
    return f"ends at {numbers.loss(band.loss[-1])} ({between}, {100 * band.level:.0f} %) after {numbers.count(band.at[-1])} tokens"


def _rates(axes: Any, curve: Curve, band: Forecast, look: Theme) -> None:
    """The rate in units of its peak; steps become tokens at the ratio of the curve."""
    assert curve.schedule is not None
    assert curve.step is not None
    per_step = curve.tokens[-1] / curve.step[-1]
    tokens = np.geomspace(axes.get_xlim()[0], band.at[-1], 400)
    axes.plot(tokens, np.interp(tokens / per_step, curve.schedule.step, curve.schedule.lr) / curve.schedule.peak, color=look.muted, lw=1.1)
    axes.axvline(curve.tokens[-1], color=look.muted, lw=0.7, ls=":")
    axes.set(ylabel="rate / peak", ylim=(0, 1.15), yticks=[0, 1])
