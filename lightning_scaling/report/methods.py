"""How a report's numbers were counted: conventions, procedure, what an interval means. Without these, numbers cannot be compared."""

from collections.abc import Sequence

from lightning_scaling import numbers
from lightning_scaling.laws.runs_fit import RunsFit
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.run.record import RunRecord

_PARAMS = {
    "total": "N counts all parameters, tied weights once",
    "non_embedding": "N leaves out the embedding",
    "given": "N was given by the user",
}
_FLOPS = {
    "6N": "FLOPs are 6·N per training token (forward 2N, backward 4N; attention over the context is left out)",
    "6N+attention": "FLOPs are 6·N per training token plus the attention over the context",
    "measured": "FLOPs were measured on one batch at the start",
    "given": "FLOPs per token were given by the user",
}
_FORECASTS = (
    "The forecast at half was made during the run, from what it had seen by then (between 40 % and 60 % of its token budget), and was not "
    "changed afterwards. Its interval is meant to hold the end in 90 of 100 runs."
)


def paragraphs(records: Sequence[RunRecord], fit: RunsFit | None = None) -> list[tuple[str, str]]:
    """(heading, text) for each thing a reader must know to compare these numbers with others."""
    parts = [("Compute", _compute(records)), ("Tokens", _tokens(records)), ("Loss", _loss(records)), ("Forecasts", _FORECASTS)]
    if fit is None or not fit.surface.usable:
        return parts
    return [*parts, ("Law", f"{_procedure(fit.surface)} The runs took {fit.flops_per:.4g} FLOPs per parameter and token.")]


def _compute(records: Sequence[RunRecord]) -> str:
    params = {_PARAMS.get(r.conventions.params, r.conventions.params) for r in records}
    flops = {_FLOPS.get(r.conventions.flops, r.conventions.flops) for r in records}
    mixed = " The runs were not all counted alike, so they must not share one fit." if max(len(params), len(flops), 1) > 1 else ""
    rules = ". ".join((*sorted(params), *sorted(flops)))
    return f"{rules}. One PF-day is 1e15 operations a second for a day: 8.64e19 FLOPs.{mixed}".lstrip(". ")


def _tokens(records: Sequence[RunRecord]) -> str:
    kinds = sorted({r.conventions.tokenizer for r in records if r.conventions.tokenizer})
    what = f" Tokenizer: {', '.join(kinds)}." if kinds else ""
    return f"Tokens are those of training batches alone; validation is not counted.{what}"


def _loss(records: Sequence[RunRecord]) -> str:
    names = sorted({r.conventions.loss for r in records}) or ["val_loss"]
    return f"The loss is {', '.join(names)}, on data the run was not trained on. Losses of different tokenizers are not comparable."


def _procedure(fit: SurfaceFit) -> str:
    settings = [_setting(name.replace("_", " "), value) for name, value in fit.procedure.items() if isinstance(value, str | int | float)]
    return f"L(N, D) is fitted to log losses ({', '.join(settings)}); intervals hold 90 % and are from refits of resampled runs."


def _setting(name: str, value: str | int | float) -> str:
    """A setting in words; a switch by its name.

    >>> _setting("by run", False), _setting("by run", True), _setting("starts", 12)
    ('not by run', 'by run', 'starts 12')
    """
    if isinstance(value, bool):
        return name if value else f"not {name}"
    return f"{name} {numbers.plain(value) if isinstance(value, float) else value}"
