"""The last lines of a run: what was spent, where it ended against its forecast, what twice the data or the best size would have given.

Pure: a record in, plain lines out; whoever prints adds the colour.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lightning_scaling import units
from lightning_scaling.advice.growing import larger_model
from lightning_scaling.advice.options import Setting, as_much_again
from lightning_scaling.numbers import count, loss, loss_interval, pf_days, share
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import Prediction, RunRecord

FEWEST = 12


def end_of_run(record: RunRecord, law: Any = None, siblings: Sequence[Curve] = ()) -> tuple[str, ...]:
    """Two to five lines about a run that has ended.

    Args:
        record: the run, with the forecasts made on the way.
        law: a fitted law or the name of a preset, for the best size; None: the siblings, else a published law.
        siblings: finished curves of the same family.
    """
    lines = [spent(record), ended(record), twice_the_data(record, siblings), best_size(record, law, siblings)]
    return tuple(line for line in lines if line)


def spent(record: RunRecord) -> str:
    """Tokens, FLOPs, PF-days, tokens per parameter."""
    tokens, flops = record.extra.get("tokens_trained", record.tokens), record.extra.get("flops_spent", record.spent)
    text = f"spent {count(tokens)} tokens, {flops:.3g} FLOPs, {pf_days(units.pf_days(flops))}"
    if not record.curve.params:
        return text
    return f"{text} ({count(record.curve.params)} parameters, {tokens / record.curve.params:.3g} tokens per parameter)"


def ended(record: RunRecord) -> str:
    """Where it ended, against the forecast made nearest to half of the run."""
    if not np.isfinite(record.loss):
        return "no finite loss was logged"
    made = halfway(record)
    if made is None:
        return f"ended at {loss(record.loss)}"
    off = record.loss / made.loss - 1
    inside = "inside" if made.low <= record.loss <= made.high else "outside"
    forecast = f"the forecast at {share(made.tokens / record.tokens)} of the run said {loss_interval(made.loss, made.low, made.high)}"
    return f"ended at {loss(record.loss)}; {forecast}: {'+' if off >= 0 else '−'}{share(abs(off))}, {inside} its interval"


def halfway(record: RunRecord) -> Prediction | None:
    """The forecast made nearest to half of the run for about where it ended; None where none was made."""
    made = [
        p for p in record.predictions if np.isfinite(p.loss) and p.tokens < 0.9 * record.tokens and abs(p.at / record.tokens - 1) < 0.05
    ]
    return min(made, key=lambda p: abs(p.tokens - record.tokens / 2), default=None)


def twice_the_data(record: RunRecord, siblings: Sequence[Curve] = ()) -> str:
    """What as much training again would give, and the schedule that it takes."""
    if np.isfinite(record.curve.loss).sum() < FEWEST:
        return ""
    again = as_much_again(Setting(record.curve, record.tokens, record.loss, siblings))
    if not np.isfinite(again.loss):
        return ""
    return f"twice the data would reach {loss_interval(again.loss, again.low, again.high)}: {again.what.partition(': ')[2]}"


def best_size(record: RunRecord, law: Any = None, siblings: Sequence[Curve] = ()) -> str:
    """What a model of the best size would have reached for the same compute."""
    if not np.isfinite(record.loss):
        return ""
    best = larger_model(record.curve, record.tokens, record.loss, record.spent, law, siblings)
    if best is None:
        return ""
    model = f"{count(best.params)} parameters on {count(best.tokens)} tokens"
    if abs(best.loss / record.loss - 1) < 0.005:
        return f"the size was right: the best for this compute is {model} ({best.basis})"
    return f"the same compute in {model} would have reached {loss_interval(best.loss, best.low, best.high)} ({best.basis})"
