"""What `plan` computes and prints: the two of N, D, C that are given decide the third; each law adds a row."""

import json
from typing import Any

import click

from lightning_scaling.units import FLOPS_PER_PARAM_AND_TOKEN, FLOPS_PER_PF_DAY, training_flops

DEFAULT_LAWS = ("hoffmann2022", "besiroglu2024", "muennighoff2023", "kaplan2020_joint", "deepseek2024", "llama3_2024")


def answer(
    params: float | None = None,
    tokens: float | None = None,
    flops: float | None = None,
    pf_days: float | None = None,
    laws: tuple[str, ...] = (),
    served: float | None = None,
    unique_tokens: float | None = None,
) -> dict[str, Any]:
    """The plan as a plain dict: params, tokens, flops, pf_days and a row for each law."""
    budget = _one_budget(flops, pf_days)
    params, tokens, budget = _complete(params, tokens, budget)
    plan: dict[str, Any] = {"params": params, "tokens": tokens, "flops": budget, "pf_days": budget / FLOPS_PER_PF_DAY}
    if params is not None and tokens is not None:
        plan |= {"tokens_per_param": tokens / params, "served_tokens": served, "unique_tokens": unique_tokens}
    names = _named(laws, wanted=params is None)
    return plan | {"laws": [_row(name, law, plan, served, unique_tokens) for name, law in names]}


def _one_budget(flops: float | None, pf_days: float | None) -> float | None:
    if flops is not None and pf_days is not None:
        raise ValueError("give the budget once: --flops or --pf-days")
    return flops if pf_days is None else pf_days * FLOPS_PER_PF_DAY


def _complete(params: float | None, tokens: float | None, flops: float | None) -> tuple[float | None, float | None, float]:
    given = sum(v is not None for v in (params, tokens, flops))
    if given == 3:
        raise ValueError("params, tokens and FLOPs say the same thing twice (C = 6ND): give two of them, or a budget alone")
    if params is not None and tokens is not None:
        return params, tokens, training_flops(params, tokens)
    if flops is None:
        raise ValueError("give two of --params, --tokens and --flops (or --pf-days), or a budget alone; see lightning-scaling plan --help")
    known = params or tokens
    third = None if known is None else flops / (FLOPS_PER_PARAM_AND_TOKEN * known)
    return (params or third, tokens or third, flops)


def _named(laws: tuple[str, ...], wanted: bool) -> list[tuple[str, Any]]:
    from lightning_scaling.laws.presets import PRESETS, preset

    names = list(PRESETS) if "all" in laws else list(laws or (DEFAULT_LAWS if wanted else ()))
    found = []
    for name in names:
        if name.endswith(".json"):
            from lightning_scaling.laws.saved import load

            law: Any = load(name)
            found.append((law.name if law.name != "this fit" else name, law))
        else:
            law = preset(name)
            found.append((law.name, law))
    return found


def _row(name: str, law: Any, plan: dict[str, Any], served: float | None, unique: float | None) -> dict[str, Any]:
    counts, provenance = getattr(law, "counts", "as fitted"), getattr(law, "provenance", None)
    row: dict[str, Any] = {"law": name, "counts": counts, "provenance": str(provenance) if provenance else "fitted to own runs"}
    row |= {"note": getattr(law, "note", "") or getattr(law, "because", "")}
    inner = getattr(law, "law", None) or getattr(law, "surface", law)
    try:
        row |= _optimum(law.optimum(plan["flops"]))
    except ValueError as error:
        row["why_no_optimum"] = str(error)
    row |= _loss(inner, plan, unique) | (_served(inner, plan["flops"], served) if served is not None else {})
    return row


def _optimum(best: Any) -> dict[str, Any]:
    row = {"params": best.params, "tokens": best.tokens, "tokens_per_param": best.tokens_per_param, "loss": best.loss}
    for name in ("params", "tokens", "loss"):
        interval = getattr(best, f"{name}_interval")
        row |= {} if interval is None else {f"{name}_interval": [float(v) for v in interval], "level": best.level}
    return row


def _loss(law: Any, plan: dict[str, Any], unique: float | None) -> dict[str, Any]:
    if plan["params"] is None:
        return {}
    try:
        if unique is None:
            return {"planned_loss": law.predict(plan["params"], plan["tokens"])}
        from lightning_scaling.laws.repeated import RepeatedData

        repeated = law if isinstance(law, RepeatedData) else RepeatedData(law)
        return {"planned_loss": repeated.predict(plan["params"], plan["tokens"], unique)}
    except (ValueError, AttributeError):
        return {}


def _served(law: Any, flops: float, served: float) -> dict[str, Any]:
    from lightning_scaling.laws.inference import for_loss

    surface = getattr(law, "surface", law)
    if not hasattr(surface, "beta") or not hasattr(surface, "E"):
        return {}
    life = for_loss(surface, surface.optimum(flops).loss, served)
    kept = ("params", "tokens", "tokens_per_param", "training_flops", "serving_flops")
    return {"served": {k: getattr(life, k) for k in kept}}


def show(plan: dict[str, Any], as_json: bool) -> None:
    """Print the plan as one JSON document, or as sentences and a table."""
    if as_json:
        click.echo(json.dumps(plan))
        return
    from lightning_scaling.cli.plan_table import sentences, table

    for line in sentences(plan):
        click.echo(line)
    if plan["laws"]:
        click.echo(table(plan))
