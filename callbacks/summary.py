"""The end of a run in a few lines: what was spent, where it ended against the forecast, what else the compute could buy."""

from typing import Any

from lightning_scaling.advice.wording import count
from lightning_scaling.record import Prediction, RunRecord
from lightning_scaling.units import pf_days


def summary(record: RunRecord, advice: Any) -> list[str]:
    """The lines that are told when training ends; fewer where less is known.

    Args:
        record: of the run that ended.
        advice: the last advice, or None.
    """
    if not len(record.curve):
        return [_spent(record), "no validation loss was seen, so there is nothing to tell of the law"]
    again, grown = (advice.option(name) if advice else None for name in ("as much again", "grow"))
    lines = [_spent(record), _ended(record)]
    if again is not None:
        lines.append(f"twice the data would end at {_loss(again)}: {again.what}")
    if grown is not None:
        lines.append(f"a model of the best size would have reached {_loss(grown)} for the same compute: {grown.what} (by {grown.basis})")
    return [*lines, f"{advice.verdict.name}: {advice.because}"] if advice else lines


def _spent(record: RunRecord) -> str:
    tokens, flops = record.extra.get("tokens_trained", record.tokens), record.extra.get("flops_spent", record.spent)
    ratio = f"{count(record.params)} parameters, {tokens / record.params:.3g} tokens per parameter"
    return f"spent {count(tokens)} tokens, {flops:.3g} FLOPs, {pf_days(flops):.3g} PF-days ({ratio})"


def _ended(record: RunRecord) -> str:
    ended = f"{record.conventions.loss} ended at {record.loss:.4g}"
    made = halfway(record)
    if made is None:
        return f"{ended}; no forecast had been made by half of the run"
    seen = made.tokens / record.tokens
    return (
        f"{ended}; the forecast made at {seen:.0%} of the run was {made.loss:.4g} "
        f"({made.low:.4g} to {made.high:.4g}), off by {made.loss / record.loss - 1:+.1%}"
    )


def halfway(record: RunRecord) -> Prediction | None:
    """The last forecast made in the first half of the run for its end; None where there is none."""
    made = [p for p in record.predictions if p.tokens <= record.tokens / 2 and p.loss == p.loss]
    return made[-1] if made else None


def _loss(option: Any) -> str:
    return f"{option.loss:.4g} ({option.low:.4g} to {option.high:.4g})"
