"""The last lines of a run: what was spent, where it ended against its forecast, its power law, a plateau, and whether to add data.

Pure: a record in, plain lines out; whoever prints adds the colour. A line is left out where nothing can be stated.
"""

from collections.abc import Sequence

import numpy as np

from lightning_scaling import units
from lightning_scaling.advice.growing import DEFAULT, as_law, larger_model
from lightning_scaling.advice.options import Setting, as_much_again
from lightning_scaling.advice.published_range import quotable
from lightning_scaling.advice.result import Advice
from lightning_scaling.laws.capabilities import AllocationLaw
from lightning_scaling.numbers import count, loss, loss_interval, pf_days, scientific, share
from lightning_scaling.run.at_half import checked, forecast_at_half
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord

FEWEST = 12
ALIKE = 0.005  # relative difference of losses below which two sizes are as good


def end_of_run(
    record: RunRecord,
    law: str | AllocationLaw | None = None,
    siblings: Sequence[Curve] = (),
    *,
    advice: Advice | None = None,
    power_law: object = None,
    unit: str = "tokens",
) -> tuple[str, ...]:
    """Two to seven lines about a run that has ended.

    Args:
        record: the run, with the forecasts made on the way.
        law: a fitted law or the name of a preset, for the best size; None: the siblings, else a published law inside its range.
        siblings: finished curves of the same family.
        advice: the last one, for its plateau and its answer about more data.
        power_law: anything whose `str()` states the run's own law.
        unit: what is counted as tokens.
    """
    lines = [spent(record, unit), ended(record), "" if power_law is None else str(power_law)]
    if advice is not None:
        lines += [
            "" if advice.plateau is None else str(advice.plateau),
            f"keep adding data? {advice.add_data.name}: {advice.add_data_because}",
        ]
    else:
        lines.append(twice_the_data(record, siblings, unit))
    lines.append(best_size(record, law, siblings, unit))
    return tuple(line for line in lines if line)


def spent(record: RunRecord, unit: str) -> str:
    """Tokens, FLOPs, PF-days, tokens per parameter."""
    tokens, flops = record.extra.get("tokens_trained", record.tokens), record.extra.get("flops_spent", record.spent)
    text = f"spent {count(tokens)} {unit}, {scientific(flops)} FLOPs, {pf_days(units.pf_days(flops))}"
    if not record.curve.params:
        return text
    return f"{text} ({count(record.curve.params)} parameters, {count(tokens / record.curve.params)} {unit} per parameter)"


def ended(record: RunRecord) -> str:
    """Where it ended, against the forecast made nearest to half of the run; a ratio only between losses above zero."""
    if not np.isfinite(record.loss):
        return "no finite loss was logged"
    check = checked(record, forecast_at_half(record))
    if check is None:
        return f"ended at {loss(record.loss)}"
    made = check.forecast
    low, high = sorted((made.low, made.high))
    forecast = f"the forecast at {share(made.tokens / record.tokens)} of the run was {loss_interval(made.loss, low, high)}"
    where = f"{'inside' if low <= record.loss <= high else 'outside'} its interval"
    if record.loss > 0 and made.loss > 0:
        off = record.loss / made.loss - 1
        where = f"{'+' if off >= 0 else '−'}{share(abs(off))}, {where}"
    return f"ended at {loss(record.loss)}; {forecast}: {where}"


def twice_the_data(record: RunRecord, siblings: Sequence[Curve], unit: str) -> str:
    """What as much training again would give, and the schedule that it takes; nothing where it cannot be extrapolated."""
    if np.isfinite(record.curve.loss).sum() < FEWEST:
        return ""
    again = as_much_again(Setting(record.curve, record.tokens, record.loss, siblings, unit=unit))
    if not np.isfinite([again.loss, again.low, again.high]).all():
        return ""
    return f"twice the {unit} would reach {loss_interval(again.loss, again.low, again.high)}: {again.what.partition(': ')[2]}"


def best_size(record: RunRecord, law: str | AllocationLaw | None, siblings: Sequence[Curve], unit: str) -> str:
    """What a model of the best size would have reached for the same compute; only by a law that was fitted on such runs."""
    if not np.isfinite(record.loss) or record.loss <= 0 or unit != "tokens":
        return ""
    best = larger_model(record.curve, record.tokens, record.loss, record.spent, law, siblings)
    if best is None:
        return ""
    used = as_law(DEFAULT if law is None else law)
    siblings_own = law is None and best.own
    if not siblings_own and not (quotable(used, record.curve.params, record.loss) and quotable(used, best.params, best.loss)):
        return ""
    model = f"{count(best.params)} parameters on {count(best.tokens)} tokens"
    if abs(best.loss / record.loss - 1) < ALIKE:
        return f"the size was right: the best for this compute is {model} ({best.basis})"
    low, high = sorted((best.low, best.high))
    return f"the same compute in {model} would have reached {loss_interval(best.loss, low, high)} ({best.basis})"
