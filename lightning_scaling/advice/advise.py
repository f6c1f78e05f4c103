"""What to do with a run now: a pure function of its curve, its plan, its siblings, a law and the user's terms."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lightning_scaling.advice.case import Case
from lightning_scaling.advice.economics import Economics
from lightning_scaling.advice.growing import allocation, as_law
from lightning_scaling.advice.result import Advice
from lightning_scaling.advice.rules import judge
from lightning_scaling.advice.verdict import Reason, Verdict
from lightning_scaling.run.curve import Curve


def advise(
    curve: Curve,
    planned_tokens: float,
    siblings: Sequence[Curve] = (),
    *,
    law: Any = None,
    economics: Economics | None = None,
    threshold: float | None = None,
    level: float = 0.9,
    forecast: Any = None,
) -> Advice:
    """Continue, stop, decay, bring fresh data, grow, or look into it: the verdict with the numbers that decided.

    Args:
        curve: what has been seen of the run, with its schedule, params and unique tokens where known.
        planned_tokens: tokens at the end of the plan.
        siblings: finished curves of the same family.
        law: a fitted law or the name of a preset: what a larger model would reach. None: the siblings, else a preset that decides nothing.
        economics: the user's terms; `threshold` alone is a shorthand for the smallest relative gain that counts.
        level: of every interval.
        forecast: a forecast at `planned_tokens` that the caller has already made.

    Returns:
        Advice; a verdict named STOP means: end this run now.

    Raises:
        ValueError: planned tokens or a threshold that make no sense, an unknown law.

    >>> import numpy as np
    >>> tokens = np.linspace(1e6, 5e8, 200)
    >>> advise(Curve(tokens, 2 + 900 / tokens**0.5), planned_tokens=1e9).verdict.name
    'CONTINUE'
    """
    if not (np.isfinite(planned_tokens) and planned_tokens > 0):
        raise ValueError(f"planned_tokens must be a positive number of tokens, got {planned_tokens}")
    terms = economics or Economics()
    terms = terms if threshold is None else replace(terms, threshold=threshold)
    law = None if law is None else as_law(law)
    if not len(curve):
        return Advice(Verdict.TOO_EARLY, Reason.FEW_POINTS, "no loss has been logged yet", confidence=1.0)
    case = Case(curve, float(planned_tokens), tuple(siblings), law, terms, level, forecast)
    found = judge(case)
    settled = found.verdict in (Verdict.TOO_EARLY, Verdict.INVESTIGATE) or not np.isfinite(case.forecast.loss)
    made, compare = (None, tuple) if settled else (case.forecast, case.options)
    return Advice(found.verdict, found.reason, found.because, found.confidence, made, _facts(case), compare)


def _facts(case: Case) -> dict[str, Any]:
    """Numbers worth telling that decide nothing."""
    facts = {"tokens": case.tokens, "planned_tokens": case.planned, "progress": case.progress}
    if case.repetition is not None:
        facts |= {"epochs": case.repetition.epochs, "worth_of_next_token": case.repetition.worth}
    return facts | allocation(case.curve, case.end, case.law)
