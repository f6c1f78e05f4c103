"""What to do with a run now: a pure function of its curve, its token budget, its siblings, a law and the user's terms."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lightning_scaling.advice.add_data import add_data
from lightning_scaling.advice.economics import Economics
from lightning_scaling.advice.evidence import Evidence
from lightning_scaling.advice.growing import allocation, as_law
from lightning_scaling.advice.result import NOTHING_KNOWN, Advice, Decision
from lightning_scaling.advice.rules import decide
from lightning_scaling.advice.verdict import AddData, Reason, Verdict
from lightning_scaling.forecasting import Forecast
from lightning_scaling.laws.capabilities import AllocationLaw
from lightning_scaling.run.curve import Curve

RISING = (Reason.OVERFITTING, Reason.TURNED_UP)
UNDECIDED = (Verdict.TOO_EARLY, Verdict.INVESTIGATE)


def advise(
    curve: Curve,
    planned_tokens: float,
    siblings: Sequence[Curve] = (),
    *,
    law: str | AllocationLaw | None = None,
    economics: Economics | None = None,
    threshold: float | None = None,
    level: float = 0.9,
    forecast: Forecast | None = None,
    schedule_free: bool = False,
    unit: str = "tokens",
    flops_per_token: float | None = None,
) -> Advice:
    """Continue, stop, decay, bring fresh data, grow, or investigate: the verdict with the numbers that decided.

    Args:
        curve: what has been seen of the run, with its schedule, params and unique tokens where known.
        planned_tokens: the token budget: tokens at the end of the run as planned.
        siblings: finished curves of the same family.
        law: a fitted law or the name of a preset: what a larger model would reach. None: the siblings, else a published law, which
            decides nothing and is quoted only about sizes and losses it was fitted on.
        economics: the user's terms; `threshold` alone is a shorthand for the smallest relative gain that counts.
        level: of every interval.
        forecast: a forecast at `planned_tokens` that the caller has already made.
        schedule_free: the optimiser is schedule-free (Defazio et al. 2024): no decay is due and none is advised.
        unit: the word for what the curve counts as tokens, used in every sentence: "tokens", "samples", "steps".
        flops_per_token: what one costs to train on; None: 6·params where the unit is tokens, else costs are left out.

    Returns:
        Advice; a verdict named STOP means: end this run now.

    Raises:
        TypeError: something else than a Curve, or siblings that are no Curves.
        ValueError: planned tokens or a threshold that make no sense, an unknown law.

    >>> import numpy as np
    >>> tokens = np.linspace(1e6, 5e8, 200)
    >>> advice = advise(Curve(tokens, 2 + 900 / tokens**0.5), planned_tokens=1e9)
    >>> advice.verdict.name, advice.plateau_probability < 0.5
    ('CONTINUE', True)
    """
    _check(curve, planned_tokens, siblings)
    terms = economics or Economics()
    terms = terms if threshold is None else replace(terms, threshold=threshold)
    chosen = None if law is None else as_law(law)
    if not len(curve):
        return Advice(Verdict.TOO_EARLY, Reason.FEW_POINTS, "no loss has been logged yet", unit=unit)
    costs = (unit, flops_per_token, schedule_free)
    run = Evidence(curve, float(planned_tokens), tuple(siblings), chosen, terms, level, forecast, *costs)
    return _advice(run, decide(run))


def _advice(run: Evidence, found: Decision) -> Advice:
    undecided = found.verdict in UNDECIDED
    unknown = found.verdict is Verdict.INVESTIGATE or (found.verdict is Verdict.TOO_EARLY and found.reason is not Reason.UNSURE)
    chance, called = (float("nan"), None) if unknown or not np.isfinite(run.now) else (run.plateau.chance, run.plateau_call)
    called = None if found.reason in RISING else called  # a loss that rises is no plateau
    return Advice(
        verdict=found.verdict,
        reason=found.reason,
        because=found.because,
        confidence=found.confidence,
        forecast=None if undecided or not run.extrapolated else run.forecast,
        facts=_facts(run),
        plateau_probability=chance,
        plateau=called,
        unit=run.unit,
        family=run.family,
        compare=tuple if undecided or not run.extrapolated else run.options,
        weigh_data=Weighing(run, found),
    )


class Weighing:
    """The answer about more data, worked out when it is asked for: it costs a forecast."""

    def __init__(self, run: Evidence, decision: Decision) -> None:
        self.run, self.decision = run, decision

    def __call__(self) -> tuple[AddData, str]:
        return add_data(self.run, self.decision) if len(self.run.curve) else NOTHING_KNOWN


def _check(curve: Any, planned_tokens: Any, siblings: Any) -> None:
    """One sentence for what is not a curve, a number of tokens, or a list of curves."""
    if not isinstance(curve, Curve):
        raise TypeError(f"advise needs a Curve, got {_kind(curve)}: build one with Curve(tokens, loss)")
    if isinstance(planned_tokens, bool) or not isinstance(planned_tokens, (int, float, np.integer, np.floating)):
        raise TypeError(f"planned_tokens must be a number of tokens, got {_kind(planned_tokens)}")
    if not (np.isfinite(planned_tokens) and planned_tokens > 0):
        raise ValueError(f"planned_tokens must be a positive number of tokens, got {planned_tokens}")
    if isinstance(siblings, (Curve, str)) or not isinstance(siblings, Sequence):
        raise TypeError(f"siblings must be a list of finished Curves, got {_kind(siblings)}")
    for each in siblings:
        if not isinstance(each, Curve):
            raise TypeError(f"siblings must be finished Curves, got {_kind(each)} among them")


def _kind(value: Any) -> str:
    return f"an object of type {type(value).__name__}"


def _facts(run: Evidence) -> dict[str, Any]:
    """Numbers that decide nothing."""
    facts: dict[str, Any] = {"tokens": run.tokens, "planned_tokens": run.budget, "progress": run.progress}
    if run.repetition is not None:
        facts |= {"epochs": run.repetition.epochs, "worth_of_next_token": run.repetition.worth}
    if run.curve.params is None or run.unit != "tokens":
        return facts
    law = run.law_to_quote
    return facts | ({"tokens_per_param": run.end / run.curve.params} if law is None else allocation(run.curve, run.end, law))
