"""One law for dense and mixture-of-experts models: L(N, D) of an effective size between the active and the total parameters.

A model with N active of T total parameters counts as a dense one of N·(T/N)^gamma parameters. With gamma = 0 only what a token meets
matters, with 1 only what is stored. Clark et al. 2022 (arXiv 2202.01169) and Ludziejewski et al. 2025 (arXiv 2502.05172) find that the
gain of experts changes with size, so gamma + drift·ln(N/N0) competes with a constant gamma by the error on sizes left out. The efficiency
leverage (Tian et al. 2025, arXiv 2507.17702) is the compute of the dense run that reaches the same loss on the same tokens over that of the
mixture: (T/N)^gamma.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from lightning_scaling import numbers
from lightning_scaling.arrays import Floats
from lightning_scaling.laws.finished_runs import MIXED
from lightning_scaling.laws.outcomes import MoEOutcome
from lightning_scaling.laws.points import positive
from lightning_scaling.laws.surface.fit import fit_surface
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.printed import Printed, Rows

Form = Literal["auto", "constant", "with size"]
# Constants of the surface, gamma and one degree of freedom for the noise.
FEWEST = 8
# A model whose ln(T/N) is below this is dense.
DENSE = 0.1
# A gamma whose interval reaches farther than this to both sides is open.
WIDEST = 0.25
# The drift of gamma with size must take this share off the error on sizes left out.
BETTER = 0.9
# Step of gamma and of its drift in the curvature of the misfit.
STEP = 0.03


@dataclass(frozen=True, eq=False, repr=False)
class MoEFit(Printed):
    """A law over active parameters, total parameters and tokens.

    Args:
        gamma: of the effective size at `centre` active parameters; NaN where the outcome is a refusal.
        drift: of gamma per e-fold of active parameters, 0 for a constant gamma.
        surface: L(N, D) of the effective size.
        covariance, reach: (2, 2) of gamma and drift, and Student's t at `level`.
        held_out: relative error on the active sizes left out, by form: "constant", "with size".
        outcome: whether gamma is identified; `because` has the numbers.
    """

    gamma: float
    drift: float
    centre: float
    surface: SurfaceFit
    covariance: Floats
    reach: float
    held_out: dict[str, float]
    level: float
    outcome: MoEOutcome
    because: str

    @property
    def gamma_interval(self) -> tuple[float, float]:
        """(low, high) of gamma at `level`."""
        half = self.reach * float(np.sqrt(self.covariance[0, 0]))
        return self.gamma - half, self.gamma + half

    @property
    def usable(self) -> bool:
        """Whether there is a law; `outcome` states what is missing."""
        return bool(np.isfinite(self.gamma))

    def effective(self, active: Any, total: Any) -> Any:
        """Parameters of the dense model that reaches the same loss on the same tokens."""
        return _effective(np.asarray(active, float), np.asarray(total, float), self.gamma, self.drift, self.centre)[()]

    def predict(self, active: Any, total: Any, tokens: Any) -> Any:
        """Loss at N active and T total parameters and D tokens."""
        return self.surface.predict(self.effective(active, total), tokens)

    def leverage(self, active: float, total: float) -> tuple[float, float, float]:
        """(value, low, high): the compute of the dense run that reaches the same loss on the same tokens, over that of this model."""
        ratio, place = float(np.log(total / active)), np.array([1.0, np.log(active / self.centre)])
        middle, spread = self.gamma + self.drift * place[1], self.reach * np.sqrt(place @ self.covariance @ place)
        value, low, high = (float(np.exp(each * ratio)) for each in (middle, middle - spread, middle + spread))
        return value, low, high

    def _sentence(self) -> str:
        return f"L(N_active, N_total, D): {self.outcome} ({self.because})."

    def _table(self) -> Rows:
        if not self.usable:
            return ()
        rows = [("gamma", numbers.plain(self.gamma), numbers.between(*self.gamma_interval, numbers.plain))]
        for ratio in (4, 8, 16):
            value, low, high = self.leverage(self.centre, ratio * self.centre)
            name = f"leverage at {numbers.count(self.centre)} active of {numbers.count(ratio * self.centre)}"
            rows.append((name, numbers.plain(value), numbers.between(low, high, numbers.plain)))
        return [("", "value", f"{numbers.share(self.level)} interval"), *rows]


def fit_moe(
    active: ArrayLike, total: ArrayLike, tokens: ArrayLike, loss: ArrayLike, level: float = 0.9, form: Form = "auto"
) -> MoEFit:  # fmt: skip
    """Fit one law to dense and mixture-of-experts runs.

    Args:
        active, total: (n,) parameters that a token meets and parameters stored, equal for a dense run.
        tokens, loss: (n,) D and final loss.
        level: of the intervals.
        form: "constant" gamma, "with size", or "auto": the one with the smaller error on active sizes left out.

    Raises:
        ValueError: unequal lengths, values that are not positive, more active than total parameters, another word for `form`.

    >>> N, T, D = (v.ravel() for v in np.meshgrid([5e7, 2e8, 8e8], [1.0, 4.0, 16.0], [2e9, 8e9, 3e10]))
    >>> runs = 1.7 + 400 / (N * T**0.6) ** 0.34 + 410 / D**0.28
    >>> fit = fit_moe(N, N * T, D, runs)
    >>> round(fit.gamma, 2), round(fit.leverage(1e9, 2e10)[0], 1)
    (0.6, 6.0)
    """
    if form not in ("auto", "constant", "with size"):
        raise ValueError(f"form must be 'auto', 'constant' or 'with size', got {form!r}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    runs = _Runs(*_checked(active, total, tokens, loss))
    refused = _refusal(runs)
    if refused is not None:
        return _without(runs, level, refused)
    held_out = {name: runs.held_out(drifts) for name, drifts in (("constant", False), ("with size", True)) if form in ("auto", name)}
    drifts = form == "with size" or (form == "auto" and held_out["with size"] < BETTER * held_out["constant"])
    return _fitted(runs, drifts, held_out, level)


@dataclass(frozen=True, eq=False)
class _Runs:
    """Checked columns (n,)."""

    active: Floats
    total: Floats
    tokens: Floats
    loss: Floats

    @property
    def centre(self) -> float:
        return float(np.exp(np.log(self.active).mean()))

    @property
    def ratio(self) -> Floats:
        """(n,) ln(T/N)."""
        return np.asarray(np.log(self.total / self.active))

    def take(self, kept: Any) -> "_Runs":
        return _Runs(self.active[kept], self.total[kept], self.tokens[kept], self.loss[kept])

    def surface(self, gamma: float, drift: float, centre: float) -> SurfaceFit:
        size = _effective(self.active, self.total, gamma, drift, centre)
        return fit_surface(size, self.tokens, self.loss, objective="log_least_squares")

    def misfit(self, gamma: float, drift: float, centre: float) -> float:
        """Sum of squared log residuals of the best surface."""
        residuals = self.surface(gamma, drift, centre).residuals
        return float(residuals @ residuals) if np.isfinite(residuals).all() else float("inf")

    def best(self, drifts: bool, centre: float) -> tuple[float, float]:
        """(gamma, drift) of the least misfit."""
        from scipy.optimize import minimize, minimize_scalar

        def misfit(gamma: float, drift: float = 0.0) -> float:
            return float(np.log(self.misfit(gamma, drift, centre) + 1e-24))

        if not drifts:
            return float(minimize_scalar(misfit, bracket=(0.3, 0.7), tol=1e-4).x), 0.0
        start = np.array([[0.5, 0.0], [0.8, 0.0], [0.5, 0.1]])
        options = {"initial_simplex": start, "xatol": 1e-3, "fatol": 1e-3, "maxiter": 80}
        found = minimize(lambda place: misfit(*place), start[0], method="Nelder-Mead", options=options).x
        return float(found[0]), float(found[1])

    def covariance(self, gamma: float, drift: float, drifts: bool) -> Floats:
        """(2, 2) of gamma and drift, by the curvature of the misfit with the surface solved for."""
        k = 1 + int(drifts)
        freedom, steps = max(len(self.loss) - 5 - k, 1), STEP * np.eye(2)[:k]

        def at(shift: Floats) -> float:
            return self.misfit(gamma + shift[0], drift + shift[1], self.centre)

        least = at(np.zeros(2))
        curvature = np.array([[at(a + b) - at(a - b) - at(b - a) + at(-a - b) for b in steps] for a in steps]) / (4 * STEP**2)
        found = np.zeros((2, 2))
        found[:k, :k] = 2 * least / freedom * np.linalg.pinv(curvature)
        return found

    def held_out(self, drifts: bool) -> float:
        """Root mean square relative error on each active size, fitted on the others; infinite with fewer than three sizes."""
        sizes, centre, off = np.unique(self.active), self.centre, []
        if len(sizes) < 3:
            return float("inf") if drifts else float("nan")
        for size in sizes:
            rest, left = self.take(self.active != size), self.take(self.active == size)
            if _refusal(rest) is not None:
                continue
            gamma, drift = rest.best(drifts, centre)
            predicted = rest.surface(gamma, drift, centre).predict(_effective(left.active, left.total, gamma, drift, centre), left.tokens)
            off.append(np.log(predicted / left.loss))
        return float(np.sqrt(np.mean(np.concatenate(off) ** 2))) if off else float("inf")


def _effective(active: Floats, total: Floats, gamma: float, drift: float, centre: float) -> Floats:
    return np.asarray(active * np.exp((gamma + drift * np.log(active / centre)) * np.log(total / active)))


def _checked(*columns: ArrayLike) -> list[Floats]:
    names = ("active", "total", "tokens", "loss")
    arrays = [positive(name, values) for name, values in zip(names, columns, strict=True)]
    if len({len(a) for a in arrays}) > 1:
        raise ValueError(f"active, total, tokens and loss must have equal length, got {', '.join(str(len(a)) for a in arrays)}")
    more = np.flatnonzero(arrays[0] > arrays[1] * (1 + 1e-9))
    if len(more):
        at = more[0]
        raise ValueError(f"run {at} has {arrays[0][at]:g} active of {arrays[1][at]:g} total parameters: were the columns exchanged?")
    return arrays


def _refusal(runs: _Runs) -> MoEOutcome | None:
    if len(np.unique(np.stack([runs.active, runs.total, runs.tokens]), axis=1).T) < FEWEST:
        return MoEOutcome.TOO_FEW_RUNS
    return MoEOutcome.ONE_RATIO if runs.ratio.std() < MIXED else None


def _without(runs: _Runs, level: float, outcome: MoEOutcome) -> MoEFit:
    nan = float("nan")
    surface = fit_surface(runs.active, runs.tokens, runs.loss)
    centre = runs.centre if len(runs.loss) else nan
    return MoEFit(nan, 0.0, centre, surface, np.full((2, 2), nan), nan, {}, level, outcome, f"{len(runs.loss)} runs")


def _fitted(runs: _Runs, drifts: bool, held_out: dict[str, float], level: float) -> MoEFit:
    from scipy.special import stdtrit

    gamma, drift = runs.best(drifts, runs.centre)
    surface = runs.surface(gamma, drift, runs.centre)
    covariance = runs.covariance(gamma, drift, drifts)
    reach = float(stdtrit(max(len(runs.loss) - 6 - int(drifts), 1), (1 + level) / 2))
    low, high = (float(v) for v in np.exp([runs.ratio.min(), runs.ratio.max()]))
    because = f"{len(runs.loss)} runs, total over active {numbers.between(low, high, numbers.plain)}"
    errors = ((name, error) for name, error in held_out.items() if np.isfinite(error))
    because += "".join(f"; gamma {name}: {numbers.share(error)} off on sizes left out" for name, error in errors)
    outcome = MoEOutcome.NO_DENSE_RUN if runs.ratio.min() > DENSE else MoEOutcome.IDENTIFIED
    if not reach * float(np.sqrt(covariance[0, 0])) <= WIDEST:
        outcome = MoEOutcome.GAMMA_OPEN
    return MoEFit(gamma, drift, runs.centre, surface, covariance, reach, held_out, level, outcome, because)
