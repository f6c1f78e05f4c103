"""Finished runs become a law in one way: the command line, report, page, demo, planner and notebook all ask this one fit."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from lightning_scaling.arrays import robust_spread
from lightning_scaling.laws.approaches.isoflop import IsoFlops
from lightning_scaling.laws.approaches.side_by_side import Approaches, compare_approaches
from lightning_scaling.laws.configurations import Replicates, configurations
from lightning_scaling.laws.extrapolation.backtests import Backtest, HeldOut, backtest, hold_out_largest
from lightning_scaling.laws.extrapolation.larger import Larger, predict_larger
from lightning_scaling.laws.finished_runs import FinishedRuns, finished
from lightning_scaling.laws.frontier.frontier import FrontierFit, fit_frontier
from lightning_scaling.laws.outcomes import Answer, SurfaceOutcome
from lightning_scaling.laws.points import LawPoints
from lightning_scaling.laws.surface.fit import Objective, fit_surface
from lightning_scaling.laws.surface.moe import MoEFit, fit_moe
from lightning_scaling.laws.surface.outliers import FAR
from lightning_scaling.laws.surface.surface import Optimum
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.printed import as_html
from lightning_scaling.run.record import RunRecord

OBJECTIVE: Objective = "huber"  # as `fit_surface` and the published fits, so that one set of runs has one law everywhere
RESAMPLES = 1000
SEED = 0
# One start finds the minimum on every published family; six are the certificate that it is the lowest.
STARTS = 6
FEWEST_TO_COMPARE = 6  # runs
# ln of observed over fitted loss from which a run can be crippled: fewer per cent are noise, an untuned rate, another form.
CRIPPLED = 0.1


@dataclass(frozen=True, eq=False)
class RunsFit:
    """Every law of one set of finished runs. What costs more than milliseconds is computed when it is first read.

    Args:
        runs: what was fitted.
        surface: L(N, D), with its outcome where the runs do not identify it.
        frontier: the power law of loss over compute, L(C), over the runs with the lowest loss for their compute.
        level: of the intervals.
        moe: the law over active and total parameters, where the runs differ in their ratio. `runs` and every law but the frontier then
            count a mixture of experts as the dense model of `moe.effective(active, total)` parameters; so do the params to predict at.
        notes: what a reader of these laws must know, such as why there is none.
    """

    runs: FinishedRuns
    surface: SurfaceFit
    frontier: FrontierFit
    level: float = 0.9
    notes: tuple[str, ...] = ()
    moe: MoEFit | None = None

    @property
    def name(self) -> str:
        """What the law is called beside others."""
        return self.surface.name

    @property
    def flops_per(self) -> float:
        """FLOPs per param and token of the runs."""
        return self.surface.flops_per

    @property
    def usable(self) -> Answer:
        """Whether L(N, D) has constants at all."""
        return self.surface.usable

    @property
    def split_identified(self) -> Answer:
        """Whether the runs identify how to split a budget between params and tokens."""
        return self.surface.split_identified

    def predict(self, params: Any, tokens: Any) -> Any:
        """Loss at N params and D tokens by L(N, D)."""
        return self.surface.predict(params, tokens)

    def optimum(self, flops: Any) -> Optimum:
        """The best N, D and loss for `flops`, counted as the runs counted theirs; with intervals."""
        return self.surface.optimum(flops, self.level)

    def predict_larger(self, params: ArrayLike, tokens: ArrayLike, level: float | None = None, replicates: Replicates = "auto") -> Larger:
        """The loss planned larger runs will end at, by the estimator made for it rather than by L(N, D)."""
        r = self.runs
        return predict_larger(r.params, r.tokens, r.loss, params, tokens, level or self.level, groups=r.groups, replicates=replicates)

    def backtest(self, factor: float = 10.0, level: float | None = None) -> Backtest:
        """Hold out every run of more than 1/factor of the largest compute. ValueError where too few smaller ones remain."""
        r = self.runs
        return backtest(r.params, r.tokens, r.loss, factor, level or self.level, r.groups, flops=r.flops)

    @cached_property
    def largest(self) -> HeldOut | None:
        """The largest run as the smaller ones predict it; None where too few are smaller."""
        return hold_out_largest(self.runs, self.level)

    @cached_property
    def approaches(self) -> Approaches | None:
        """The three approaches of Hoffmann et al. 2022 and Kaplan's law side by side; None for fewer than six runs."""
        if len(self.runs) < FEWEST_TO_COMPARE:
            return None
        r = self.runs
        return compare_approaches(
            r.params, r.tokens, r.loss, r.curves, flops=r.flops, groups=r.groups, level=self.level, surface=self.surface, resamples=200
        )

    @property
    def isoflops(self) -> IsoFlops | None:
        """The IsoFLOP parabolas with their estimated bias; None for fewer than six runs."""
        return None if self.approaches is None else self.approaches.isoflops

    def __str__(self) -> str:
        from lightning_scaling.laws.printed import fit_text

        return fit_text(self)

    def _repr_html_(self) -> str:
        return as_html(str(self))


def fit_runs(
    runs: FinishedRuns | Iterable[RunRecord],
    *,
    name: str = "these runs",
    objective: Objective = OBJECTIVE,
    resamples: int | None = None,
    seed: int | None = SEED,
    level: float = 0.9,
    unfinished: bool = False,
    replicates: Replicates = "auto",
) -> RunsFit:
    """Every law of finished runs, with their own FLOPs.

    Args:
        runs: from `finished` or `finished_table`, or records to choose the finished ones from.
        objective, resamples, seed: as in `fit_surface`; resamples None: 1 000, fewer for more than 1 000 runs.
        level: of the intervals.
        unfinished: count the last loss of runs that have not finished too.
        replicates: what several runs of one (N, D) are: "seeds", of which all count, or a "sweep" of hyper-parameters, of which the best
            counts; "auto" decides by their shape.

    Raises:
        ValueError: runs counted by different conventions or FLOPs rules.
    """
    given, swept = best_of_sweeps(runs if isinstance(runs, FinishedRuns) else finished(runs, unfinished), replicates)
    moe = _moe(given, level)
    chosen = given if moe is None else _as_dense(given, moe)
    notes: dict[str, Any] = {"conventions": vars(chosen.conventions) if chosen.conventions else None, "runs": list(chosen.keys)}
    notes |= {"left_out": [list(each) for each in chosen.left_out], **chosen.source}
    drawn = resamples_for(len(chosen)) if resamples is None else resamples
    surface = fit_surface(
        chosen.params, chosen.tokens, chosen.loss, drawn, seed, chosen.groups,
        objective=objective, starts=STARTS, weights=chosen.weights, flops=chosen.flops if len(chosen) else None, name=name, notes=notes,
    )  # fmt: skip
    sound, crippled = _sound(given, surface)
    # Of losses that do not fall the lowest ones are no law but a choice.
    on = sound if surface.outcome is SurfaceOutcome.NO_FALL else sound.on_frontier
    words = (*swept, *crippled, *_notes(chosen, sound, on, moe))
    return RunsFit(chosen, surface, fit_frontier(on.flops, on.loss, level), level, words, moe)


def _sound(runs: FinishedRuns, surface: SurfaceFit) -> tuple[FinishedRuns, tuple[str, ...]]:
    """The runs without those far above L(N, D), which may still be the only ones of their compute, and a note that names them."""
    if not surface.usable or surface.outcome is SurfaceOutcome.NO_FALL:
        return runs, ()
    far = surface.residuals > max(FAR * robust_spread(surface.residuals), CRIPPLED)
    if not far.any() or (~far).sum() < 3:
        return runs, ()
    name = runs.keys[int(np.argmax(np.where(far, surface.residuals, -np.inf)))]
    which = f"{name} lies" if far.sum() == 1 else f"{far.sum()} runs lie ({name} farthest)"
    note = f"{which} far above L(N, D), so the law of compute is fitted without: look at how it ended"
    return runs.take(~far), (note,)


def best_of_sweeps(runs: FinishedRuns, how: Replicates = "auto") -> tuple[FinishedRuns, tuple[str, ...]]:
    """Of a sweep of hyper-parameters the best run of each (N, D), with a note; all runs where repeated ones are seeds."""
    if len(runs) < 2 or configurations(LawPoints(runs.params, runs.tokens, runs.loss, np.arange(len(runs))), how).read_as != "sweep":
        return runs, ()
    order = np.lexsort((runs.loss, runs.tokens, runs.params))
    size, length = runs.params[order], runs.tokens[order]
    kept = runs.take(np.sort(order[np.r_[True, (np.diff(size) != 0) | (np.diff(length) != 0)]]))
    note = f"the runs sweep hyper-parameters: of {len(runs)} the best of each of {len(kept)} (N, D) is fitted (read as seeds, all would be)"
    return kept, (note,)


def _moe(runs: FinishedRuns, level: float) -> MoEFit | None:
    """The law over active and total parameters of runs that differ in their ratio; None for all others."""
    if not runs.mixed or runs.active is None or runs.total is None:
        return None
    return fit_moe(runs.active, runs.total, runs.tokens, runs.loss, level)


def resamples_for(runs: int) -> int:
    """How often so many runs are resampled: 200 times find the ends of an interval to some 7 % of its width, five times as fast.

    >>> resamples_for(100), resamples_for(2000), resamples_for(10_000)
    (1000, 500, 200)
    """
    return RESAMPLES if runs <= RESAMPLES else max(200, RESAMPLES**2 // runs)


def fit_or_explain(records: Iterable[RunRecord], name: str = "these runs", unfinished: bool = False) -> RunsFit:
    """`fit_runs` for a report: runs that cannot share one law give a refusal among the notes instead of an error."""
    try:
        return fit_runs(list(records), name=name, unfinished=unfinished)
    except ValueError as error:
        nothing = fit_runs((), name=name)
        return RunsFit(nothing.runs, nothing.surface, nothing.frontier, nothing.level, (str(error),))


def _as_dense(runs: FinishedRuns, moe: MoEFit) -> FinishedRuns:
    active = runs.params if runs.active is None else runs.active
    return runs.as_dense(moe.effective(active, runs.total) if moe.usable else active)


def _notes(runs: FinishedRuns, sound: FinishedRuns, on: FinishedRuns, moe: MoEFit | None = None) -> tuple[str, ...]:
    notes = list(runs.warnings)
    if moe is not None:
        counted = "the dense model of its effective size" if moe.usable else "a dense model of its active parameters"
        notes.append(f"a mixture of experts counts as {counted}: {moe.outcome} ({moe.because})")
    if len(runs) < 3:
        unsized = sum("number of parameters" in reason for _, reason in runs.left_out)
        there = {0: "there are none", 1: "there is one"}.get(len(runs), f"there are {len(runs)}")
        without = f" whose number of parameters N is known, and {unsized} finished without it: record or name their N" if unsized else ""
        notes.append(f"a law needs at least three finished runs of different compute; {there}{without}")
    if dropped := len(sound) - len(on):
        others = "another one lies" if dropped == 1 else f"{dropped} others lie"
        notes.append(f"the law of compute is fitted to the {len(on)} runs with the lowest loss for their compute; {others} above it")
    return tuple(notes)
