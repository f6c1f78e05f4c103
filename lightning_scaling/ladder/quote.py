"""What a design costs, and what it will identify before anything is spent: expected standard errors by optimal-design theory.

The covariance of the constants is noise² · (S'S)⁻¹, S the derivatives of ln L at the cells (Kiefer & Wolfowitz 1959): a lower bound that
supposes the assumed law to be right and every cell to be as noisy. Cells of one trunk share its noise and count as independent here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.step_times import StepTimes, seconds_of
from lightning_scaling.ladder.training import cores_here
from lightning_scaling.laws.surface.identify import LARGEST_ERROR, sensitivities
from lightning_scaling.laws.surface.surface import CONSTANTS, Surface
from lightning_scaling.units import training_flops

USUAL = "besiroglu2024"
MORE = 10.0  # times the largest compute: where N* is asked for
FAR = 100.0  # the same for the loss
SINGULAR = 1e-9


@dataclass(frozen=True)
class Expected:
    """Standard errors of alpha, beta, a = beta/(alpha + beta), of N* at `flops` and of the loss at `far_flops` and its best size, the last
    two as shares; inf where the cells cannot tell.
    """

    law: str
    noise: float
    alpha: float
    beta: float
    allocation: float
    flops: float
    optimum: float
    far_flops: float
    far_loss: float

    @property
    def identifies(self) -> bool:
        """Whether both exponents would pass as identified."""
        return max(self.alpha, self.beta) <= LARGEST_ERROR


def assumed_law(given: Any = None) -> tuple[str, Surface]:
    """The law that the cells are supposed to follow: a published one, a saved one, or constants.

    Raises:
        ValueError: no such law, or one without constants of N and D.
    """
    from lightning_scaling.laws import load, preset

    if isinstance(given, dict):
        if missing := [name for name in CONSTANTS if not isinstance(given.get(name), int | float)]:
            raise ValueError(f"constants of a law are {', '.join(CONSTANTS)}; {missing[0]} is missing")
        if wrong := [name for name in CONSTANTS if not 0 < given[name] < np.inf]:
            raise ValueError(f"constants of a law are positive numbers; {wrong[0]} is {given[wrong[0]]}")
        return "given constants", Surface(*(float(given[name]) for name in CONSTANTS))
    name = str(given or USUAL)
    law = load(name) if Path(name).suffix == ".json" else preset(name).law
    surface = getattr(law, "surface", law)
    if not isinstance(surface, Surface):
        raise ValueError(f"{name} has no constants of the form E + A/N^alpha + B/D^beta; name another law")
    return name, surface


def expected(
    cells: Sequence[Cell], law: Any = None, noise: float = 0.005, weights: Sequence[float] | None = None, flops: float | None = None
) -> Expected:
    """What cells will identify.

    Args:
        law: as in `assumed_law`; by default the refit of Hoffmann et al.'s data.
        noise: relative scatter of a final loss.
        weights: of each cell, the variance of its loss being noise²/weight; 1 by default.
        flops: where N* is asked for; ten times the largest compute by default.
    """
    name, surface = assumed_law(law)
    params, tokens = (np.array([getattr(cell, kind) for cell in cells], dtype=np.float64) for kind in ("params", "tokens"))
    target = flops or MORE * float(training_flops(params, tokens).max())
    x, y = np.log(params), np.log(tokens)
    centred = np.array([np.log(surface.E), np.log(surface.A) - surface.alpha * x.mean(), np.log(surface.B) - surface.beta * y.mean(),
                        surface.alpha, surface.beta])  # fmt: skip
    slopes = sensitivities(centred, x - x.mean(), y - y.mean())
    slopes = slopes if weights is None else slopes * np.sqrt(np.asarray(weights, dtype=np.float64))[:, None]
    alpha, beta = centred[3:]
    share = np.array([0.0, 0.0, 0.0, -beta, alpha]) / (alpha + beta) ** 2
    optimum = _gradient(centred, x.mean(), y.mean(), target)
    alpha_error, beta_error, a_error = (noise * _deviation(slopes, each) for each in (np.eye(5)[3], np.eye(5)[4], share))
    best = surface.optimum(FAR / MORE * target)
    far = sensitivities(centred, np.log([best.params]) - x.mean(), np.log([best.tokens]) - y.mean())[0]
    errors = noise * _deviation(slopes, optimum), FAR / MORE * target, noise * _deviation(slopes, far)
    return Expected(name, noise, alpha_error, beta_error, a_error, target, *errors)


def _deviation(slopes: Floats, direction: Floats) -> float:
    """Of a linear function of the constants, for noise 1; inf where the cells say nothing about part of it."""
    _, sizes, rows = np.linalg.svd(slopes, full_matrices=True)
    sizes = np.r_[sizes, np.zeros(len(rows) - len(sizes))]
    along = rows @ direction
    seen = sizes > SINGULAR * sizes[0]
    if np.abs(along[~seen]).max(initial=0.0) > 1e-6 * np.linalg.norm(direction):
        return float("inf")
    return float(np.sqrt(((along[seen] / sizes[seen]) ** 2).sum()))


def _gradient(theta: Floats, x: float, y: float, flops: float) -> Floats:
    """Of ln N*(C) with respect to (e, a, b, alpha, beta)."""

    def log_optimum(t: Floats) -> float:
        _, a, b, alpha, beta = t
        ratio = np.log(alpha) + a + alpha * x - np.log(beta) - b - beta * y
        return float((ratio + beta * np.log(flops / 6)) / (alpha + beta))

    steps = np.eye(5) * 1e-5
    return np.array([(log_optimum(theta + h) - log_optimum(theta - h)) / 2e-5 for h in steps])


@dataclass(frozen=True)
class Quote:
    """The step times of this machine, the seconds of the whole with `lanes` cells at a time (NaN where not measured), what is expected."""

    step_times: StepTimes
    seconds: float
    lanes: int
    expected: Expected | None


def quote(design: Design, measure: bool = True, lanes: int | None = None) -> Quote:
    """Cost and expected errors of a design.

    Args:
        measure: time the first steps of the smallest and the largest cell.
        lanes: cells at a time; None: as many as the cores of this machine allow.

    Raises:
        ValueError: the builder cannot build the cells that are timed.
    """
    from lightning_scaling.ladder.step_times import measured_step_times

    step_times = measured_step_times(design) if measure else StepTimes({})
    at_once = lanes or max(1, cores_here() // design.cores)
    main = [cell for cell in design.cells if cell.family == design.cells[0].family]
    found = expected(main, design.law, design.noise) if len(main) > 1 else None
    return Quote(step_times, seconds_of(design.chains, step_times, {}, at_once), at_once, found)
