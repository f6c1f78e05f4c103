"""Each law's row of a plan: its optimum, the loss it expects, the optimum with serving; and which laws can use which options."""

from dataclasses import asdict
from typing import Any

from lightning_scaling.laws.capabilities import AllocationLaw, flops_per, name_of
from lightning_scaling.laws.presets.allocation import budget_for
from lightning_scaling.laws.presets.inference import for_loss
from lightning_scaling.laws.presets.presets import PRESETS, Preset, preset, surface_of
from lightning_scaling.laws.presets.repeated import RepeatedData
from lightning_scaling.laws.surface.surface import Optimum
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.laws.tuning.hyperparameters import HYPERPARAMETER_LAWS
from lightning_scaling.units import FLOPS_PER_PF_DAY

DEFAULT_LAWS = ("hoffmann2022", "besiroglu2024", "muennighoff2023", "kaplan2020_joint", "deepseek2024", "llama3_2024")

Law = Preset | SurfaceFit


def chosen_laws(names: tuple[str, ...], by_default: bool, served: bool, repeated: bool) -> tuple[list[Law], list[dict[str, str]]]:
    """The laws named, or those shown by default; and (law, why) of those that cannot use an option.

    Raises:
        ValueError: no such law, or one named by the user that cannot use an option.
    """
    everyone = "all" in names
    laws = [_law(name) for name in (PRESETS if everyone else names or (DEFAULT_LAWS if by_default else ()))]
    refusals = [(law, _refusal(law, served, repeated)) for law in laws]
    refused = [{"law": name_of(law), "why": why} for law, why in refusals if why]
    if refused and names and not everyone:
        raise ValueError(f"{refused[0]['law']} cannot use {refused[0]['why']}")
    return [law for law, why in refusals if not why], refused


def _law(name: str) -> Law:
    if not name.endswith(".json"):
        return preset(name)
    from lightning_scaling.laws.saved import load

    return load(name)


def _refusal(law: Law, served: bool, repeated: bool) -> str:
    """Which option the law cannot use, and why; empty where it can use all."""
    if not (served or repeated) or surface_of(law) is not None:
        return ""
    option = "--served" if served else "--unique-tokens"
    return f"{option}: it has no L(N, D) of five constants; take one that has, e.g. besiroglu2024"


def row(law: Law, plan: dict[str, Any], served: float | None, unique: float | None) -> dict[str, Any]:
    """The law's answers for the plan."""
    facts = _facts(law)
    try:
        best = _best(law, plan, unique)
    except ValueError as error:
        return facts | {"why_no_optimum": str(error)} | _planned(law, plan, unique)
    served_part = {} if served is None else _served(law, float(best.flops), served)
    at_best = hyperparameters(_known(best.params), _known(best.tokens), float(best.flops))
    expected = _expected(law, float(best.params), float(best.tokens)) if unique is None else {}
    return facts | _optimum(best) | expected | _planned(law, plan, unique) | served_part | {"hyperparameters": at_best}


def _expected(law: Law, params: float, tokens: float, name: str = "expected") -> dict[str, Any]:
    """What a law fitted to own runs predicts of a run, other forms of it and drift included; nothing of a published law."""
    if isinstance(law, Preset) or not (len(law.points) and law.usable):
        return {}
    from lightning_scaling.cli.fit_answer import larger_found
    from lightning_scaling.laws.extrapolation.larger import expected_loss

    found = larger_found(expected_loss(law, params, tokens), params, tokens)
    return {} if found["loss"] is None else {name: found}


def hyperparameters(params: float | None, tokens: float | None, flops: float | None) -> dict[str, Any]:
    """{law: {learning_rate, batch_tokens, extrapolated}} for a run; a value is None where the law needs what is not known."""
    return {name: asdict(law.at(params, tokens, flops)) for name, law in HYPERPARAMETER_LAWS.items()}


def _known(value: float | None) -> float | None:
    return None if value is None else float(value)


def _facts(law: Law) -> dict[str, Any]:
    """Where the law comes from, and what a reader must know of it."""
    if isinstance(law, Preset):
        return {"law": law.name, "counts": law.counts, "note": law.note, "provenance": str(law.provenance)}
    doubt = "" if law.split_identified else f"the split is not identified: {law.split_identified.remedy}; "
    return {"law": law.name, "counts": "as fitted", "note": doubt + law.because, "provenance": "fitted to own runs"}


def _best(law: AllocationLaw, plan: dict[str, Any], unique: float | None) -> Optimum:
    """The optimum for the plan's budget, or where its one given quantity is the best."""
    flops = plan["flops"] if plan["flops"] is not None else budget_for(law, plan["params"], plan["tokens"])
    return law.optimum(flops) if unique is None else _repeated(law).optimum(flops, unique)


def _repeated(law: object) -> RepeatedData:
    if isinstance(law, Preset) and isinstance(law.law, RepeatedData):
        return law.law
    surface = surface_of(law)
    if surface is None:
        raise ValueError(f"{name_of(law)} has no L(N, D) of five constants")
    return RepeatedData(surface)


def _optimum(best: Optimum) -> dict[str, Any]:
    answers = {"params": best.params, "tokens": best.tokens, "tokens_per_param": best.tokens_per_param, "loss": best.loss}
    answers |= {"flops": float(best.flops), "pf_days": float(best.flops) / FLOPS_PER_PF_DAY}
    intervals = {"params": best.params_interval, "tokens": best.tokens_interval, "loss": best.loss_interval}
    for name, interval in intervals.items():
        answers |= {} if interval is None else {f"{name}_interval": [float(v) for v in interval], "level": best.level}
    return answers


def _planned(law: Law, plan: dict[str, Any], unique: float | None) -> dict[str, Any]:
    """The loss of the plan itself, where the law knows losses and the plan has both N and D."""
    if plan["params"] is None or plan["tokens"] is None or (isinstance(law, Preset) and not law.predicts_loss):
        return {}
    if unique is None:
        known = _expected(law, plan["params"], plan["tokens"], "planned_expected")
        return {"planned_loss": law.predict(plan["params"], plan["tokens"])} | known
    return {"planned_loss": _repeated(law).predict(plan["params"], plan["tokens"], unique)}


def _served(law: Law, flops: float, served: float) -> dict[str, Any]:
    """The cheapest life of a model that reaches the loss the budget buys at best, and serves so many tokens."""
    surface = surface_of(law)
    if surface is None:
        return {}
    life = for_loss(surface, float(law.optimum(flops).loss), served, flops_per(law))
    sizes = {"params": life.params, "tokens": life.tokens, "tokens_per_param": life.tokens_per_param}
    return {"served": sizes | {"training_flops": life.training_flops, "serving_flops": life.serving_flops}}
