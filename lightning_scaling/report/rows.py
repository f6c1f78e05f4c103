"""One run as a line of the report: its cost, where it ended, what was forecast at half of it, the verdict."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lightning_scaling.run.at_half import checked, forecast_at_half
from lightning_scaling.run.finished import is_finished, why_left_out
from lightning_scaling.run.record import Prediction, RunRecord, RunState
from lightning_scaling.units import pf_days


@dataclass(frozen=True, eq=False)
class RunRow:
    """One line of the table. `error` is the forecast at half against the observed end, as a share; None where either is missing."""

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
        """Whether the run enters a law across sizes."""
        return not why_left_out(self.record)


def rows(records: Iterable[RunRecord]) -> list[RunRow]:
    """One row a run, the smallest model first, by compute within a size."""
    return sorted(map(row, records), key=lambda r: (r.params is None, r.params or 0, r.flops, r.name))


def row(record: RunRecord) -> RunRow:
    """The facts of one run, however broken it is."""
    params, forecast = record.curve.params, forecast_at_half(record)
    check = checked(record, forecast)
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
        error=check.error if check else None,
        inside=check.inside if check else None,
        verdict=words(last.verdict) if last else "",
        because=last.because if last else "",
    )


def words(name: str) -> str:
    """A member's name as words.

    >>> words("DECAY_NOW"), words("")
    ('decay now', '')
    """
    return name.replace("_", " ").lower() if name.isupper() else name


def state_words(record: RunRecord) -> str:
    """The state of the run, in a word or two.

    >>> from lightning_scaling import Curve
    >>> state_words(RunRecord("k", Curve([1.0], [2.0]), flops=[6.0]))
    'running'
    """
    if not len(record.curve):
        return "no points"
    if is_finished(record):
        return "finished"
    return "interrupted" if record.state is RunState.INTERRUPTED else words(record.state.name)


def loss_name(records: Sequence[RunRecord]) -> str:
    """The loss and its unit as the label of an axis: 'validation loss (nats/token)'; 'loss' where runs differ."""
    names = {record.conventions.loss for record in records}
    if len(names) != 1:
        return "validation loss"
    name, _, unit = names.pop().partition(" [")
    title = "validation loss" if name in ("val_loss", "loss", "val/loss", "") else f"validation loss: {name[:40]}"
    return f"{title} ({unit.rstrip(']')[:30]})" if unit else title
