"""What a report says of one run: its cost, where it ended, what was forecast at half of it, the verdict."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lightning_scaling.run.record import Prediction, RunRecord, RunState
from lightning_scaling.units import pf_days

# a forecast counts as made at half when it was made between 40 % and 60 % of the plan
_AROUND_HALF = 0.1
# a run has reached the end its forecast was for when it stopped within 2 % of it
_REACHED = 0.02


@dataclass(frozen=True, eq=False)
class RunRow:
    """One line of the table. `error` is what came against the forecast, as a share; None where either is missing."""

    record: RunRecord
    name: str
    params: int | None
    tokens: float
    flops: float
    pf_days: float
    tokens_per_param: float | None
    loss: float
    forecast: Prediction | None
    error: float | None
    inside: bool | None
    verdict: str
    because: str

    @property
    def fitted(self) -> bool:
        """Whether the run has an end that a law over sizes can stand on."""
        return finished(self.record) and self.params is not None and bool(np.isfinite(self.loss)) and self.flops > 0


def rows(records: Iterable[RunRecord]) -> list[RunRow]:
    """One row a run, the smallest model first, by compute within a size."""
    return sorted(map(row, records), key=lambda r: (r.params is None, r.params or 0, r.flops, r.name))


def row(record: RunRecord) -> RunRow:
    """The facts of one run, however broken it is."""
    params, forecast = record.curve.params, half_forecast(record)
    came = forecast is not None and reached(record, forecast)
    last = record.predictions[-1] if record.predictions else None
    return RunRow(
        record=record,
        name=record.name or record.key,
        params=params,
        tokens=record.tokens,
        flops=record.spent,
        pf_days=pf_days(record.spent),
        tokens_per_param=record.tokens / params if params else None,
        loss=record.loss,
        forecast=forecast,
        error=forecast.loss / record.loss - 1 if forecast and came else None,
        inside=forecast.low <= record.loss <= forecast.high if forecast and came else None,
        verdict=words(last.verdict) if last else "",
        because=last.because if last else "",
    )


def half_forecast(record: RunRecord) -> Prediction | None:
    """The forecast made nearest to half of the plan, None where none was made around it."""
    plan = record.planned_tokens or record.tokens
    near = [p for p in record.predictions if np.isfinite(p.loss) and plan and abs(p.tokens / plan - 0.5) <= _AROUND_HALF]
    return min(near, key=lambda p: abs(p.tokens / plan - 0.5), default=None)


def reached(record: RunRecord, forecast: Prediction) -> bool:
    """Whether the run came to the end the forecast was made for."""
    return bool(np.isfinite(record.loss)) and record.loss > 0 and abs(record.tokens / forecast.at - 1) <= _REACHED


def finished(record: RunRecord) -> bool:
    """Whether training ended by itself: the end of its plan, or a stop on purpose."""
    return record.ended or record.state is RunState.FINISHED


def words(name: str) -> str:
    """A member's name as words.

    >>> words("DECAY_NOW"), words("")
    ('decay now', '')
    """
    return name.replace("_", " ").lower() if name.isupper() else name


def state_words(record: RunRecord) -> str:
    """Where the run stands, in a word or two.

    >>> from lightning_scaling import Curve
    >>> state_words(RunRecord("k", Curve([1.0], [2.0]), np.ones(1)))
    'running'
    """
    if not len(record.curve):
        return "no points"
    return "finished" if finished(record) else words(record.state.name)


def loss_name(records: Sequence[RunRecord]) -> str:
    """The loss and its unit as an axis tells them: 'validation loss (nats/token)'; 'loss' where runs differ."""
    names = {record.conventions.loss for record in records}
    if len(names) != 1:
        return "validation loss"
    name, _, unit = names.pop().partition(" [")
    title = "validation loss" if name in ("val_loss", "loss", "val/loss", "") else f"validation loss: {name[:40]}"
    return f"{title} ({unit.rstrip(']')[:30]})" if unit else title
