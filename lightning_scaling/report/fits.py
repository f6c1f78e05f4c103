"""The laws a report fits by itself when it is given runs alone: over compute, over size and data, and the largest run from the others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lightning_scaling.report.reading import Aim
from lightning_scaling.report.rows import RunRow, finished, rows
from lightning_scaling.run.conventions import require_same
from lightning_scaling.run.record import RunRecord

# published laws shown beside the fitted one: two that grow N and D alike, one that trains longer, and the one that grows the model
BESIDE = ("besiroglu2024", "hoffmann2022", "muennighoff2023", "llama3_2024", "kaplan2020_allocation")
RESAMPLES = 1000
# runs whose tokens per parameter differ by less than this form a ladder: every end is on the frontier, and none is left out of its law
_LADDER = 3.0


@dataclass(frozen=True)
class Fits:
    """What could be fitted; None where it could not, with the reason among `notes`."""

    law: Any = None
    frontier: Any = None
    aim: Aim | None = None
    approaches: Any = None
    notes: tuple[str, ...] = ()


def fits(records: Iterable[RunRecord], name: str = "these runs") -> Fits:
    """Every law that the finished runs allow; never raises for what they lack."""
    records = list(records)
    ended = [r for r in rows(records) if r.fitted and r.loss > 0]
    if len(ended) < 3:
        return Fits(notes=(_too_few(records, len(ended)),))
    try:
        require_same(r.record.conventions for r in ended)
    except ValueError as error:
        return Fits(notes=(str(error),))
    return _fit(ended, name)


def _fit(ended: Sequence[RunRow], name: str) -> Fits:
    from lightning_scaling.laws import approaches, fit_frontier, fit_surface

    params, tokens, loss = _columns(ended)
    on = on_frontier(ended)
    frontier = fit_frontier([r.flops for r in on], [r.loss for r in on])
    law = fit_surface(params, tokens, loss, resamples=RESAMPLES, seed=0, objective="noise_huber", name=name)
    sides = approaches(params, tokens, loss, curves=[r.record for r in ended], resamples=200) if len(ended) >= 6 else None
    dropped = len(ended) - len(on)
    said = f"the law of compute stands on the {len(on)} runs that no cheaper run undercuts; {dropped} others are above it"
    return Fits(law, frontier, largest_held_out(ended), sides, (said,) if dropped else ())


def on_frontier(ended: Sequence[RunRow]) -> list[RunRow]:
    """All runs of a ladder; of runs with many ratios of tokens to params those that no run of less compute undercuts."""
    ratios = [r.tokens / (r.params or 1) for r in ended]
    cheapest_first = sorted(ended, key=lambda r: r.flops)
    if max(ratios) < _LADDER * min(ratios):
        return cheapest_first
    kept: list[RunRow] = []
    for run in cheapest_first:
        if not kept or run.loss < kept[-1].loss:
            kept.append(run)
    return kept if len(kept) >= 3 else cheapest_first


def largest_held_out(ended: Sequence[RunRow], level: float = 0.9) -> Aim | None:
    """The run of most compute as the runs of at most two thirds of it foretell it; None where fewer than four do."""
    from lightning_scaling.laws import predict_larger

    largest = max(ended, key=lambda r: r.flops)
    smaller = [r for r in ended if r.flops < 0.67 * largest.flops]
    if len(smaller) < 4:
        return None
    said = predict_larger(*_columns(smaller), largest.params or 0, largest.tokens, level=level, seed=0)
    values = (largest.params or 0, largest.tokens, float(said.loss), float(said.low), float(said.high))
    beyond = largest.flops / max(r.flops for r in smaller)
    return Aim(*values, came=largest.loss, level=level, beyond=beyond, outcome=str(said.outcome))


def published() -> list[Any]:
    """The presets a report shows beside the fitted law."""
    from lightning_scaling.laws import preset

    return [preset(name) for name in BESIDE]


def _columns(ended: Sequence[RunRow]) -> tuple[list[float], list[float], list[float]]:
    return [float(r.params or 0) for r in ended], [r.tokens for r in ended], [r.loss for r in ended]


def _too_few(records: Sequence[RunRecord], usable: int) -> str:
    """What is missing: runs, or the N of runs that did finish."""
    unsized = sum(finished(r) and r.curve.params is None for r in records)
    said = f"a law needs at least three finished runs of different compute; there {_are(usable)}"
    if not unsized:
        return said
    return f"{said} whose number of parameters N is known, and {unsized} finished without it: record or name their N"


def _are(count: int) -> str:
    return {0: "are none", 1: "is one"}.get(count, f"are {count}")
