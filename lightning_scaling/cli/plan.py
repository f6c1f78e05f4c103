"""`lightning-scaling plan`: C = 6ND either way, and what published or own laws make of a budget, a model size or a number of tokens."""

import json
from typing import Any

import click

from lightning_scaling.accelerators import accelerator, budget_flops
from lightning_scaling.cli.options import Compute, Count
from lightning_scaling.cli.plan_laws import chosen_laws, hyperparameters, row
from lightning_scaling.laws.points import FEWEST_PARAMS, FEWEST_TOKENS, require_units
from lightning_scaling.units import FLOPS_PER_PF_DAY, tokens_for, training_flops

EXAMPLES = """
\b
Examples:
  lightning-scaling plan --params 1e3 --tokens 1e9
  lightning-scaling plan --params 7B --law hoffmann2022
  lightning-scaling plan --tokens 300B
  lightning-scaling plan --gpus 8 --gpu h100 --days 3 --mfu .4
  lightning-scaling plan --flops "100 ZFLOPs" --law hoffmann2022 --law besiroglu2024
  lightning-scaling plan --pf-days 10 --law law.json --served 1e12
"""


@click.command("plan", epilog=EXAMPLES)
@click.option("--params", type=Count(), help="N: params of the model.")
@click.option("--tokens", type=Count(), help="D: training tokens.")
@click.option("--flops", "--compute", "flops", type=Compute(), help="C: training budget, e.g. 1e23, '100 ZFLOPs' or '3.3 PF-days'.")
@click.option("--pf-days", type=Count(), help="The budget in PF-days (8.64e19 FLOPs each) instead.")
@click.option("--gpus", type=Count(), help="The budget as a number of accelerators, with --gpu and --days.")
@click.option("--gpu", help="Which accelerator: h100, a100, b200, tpu-v5e, …")
@click.option("--days", type=Count(), help="Days that they train.")
@click.option("--mfu", type=float, help="Share of their dense peak that the training reaches.  [default: 0.4]")
@click.option("--fp8", is_flag=True, help="Count their fp8 peak instead of bf16.")
@click.option(
    "--law", "laws", multiple=True, help="A published law, or a law.json saved by `fit`; several make one table. 'all': every one."
)
@click.option("--served", type=Count(), help="Tokens the model will serve in its life: adds the inference-aware optimum.")
@click.option("--unique-tokens", type=Count(), help="Size of the data, where it is repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(as_json: bool, **given: Any) -> None:
    """Answer C = 6ND, and where laws put the optimum of a budget.

    With --params or --tokens alone: the budget at which that is the best size or the best number of tokens.
    """
    show(answer(**given), as_json)


MFU = 0.4


def answer(
    params: float | None = None,
    tokens: float | None = None,
    flops: float | None = None,
    pf_days: float | None = None,
    laws: tuple[str, ...] = (),
    served: float | None = None,
    unique_tokens: float | None = None,
    **machine: Any,
) -> dict[str, Any]:
    """The plan as a plain dict: params, tokens, flops, pf_days and a row for each law."""
    budget, described = _one_budget(flops, pf_days, _machine(**machine))
    plan = _complete(params, tokens, budget)
    plan |= {"served_tokens": served, "unique_tokens": unique_tokens} | ({"machine": described} if described else {})
    complete = plan["params"] is not None and plan["tokens"] is not None
    if plan["flops"] is None:
        require_units("--params", params, FEWEST_PARAMS, "7B")
        require_units("--tokens", tokens, FEWEST_TOKENS, "300B")
    if plan["flops"] is None and unique_tokens is not None:
        raise ValueError("--unique-tokens changes the best use of a budget: give the budget (--flops, --pf-days or --gpus) with it")
    if complete and not laws and served is not None:
        raise ValueError("--served weighs training against serving by a law: name one, e.g. --law besiroglu2024")
    named, left_out = chosen_laws(laws, by_default=not complete, served=served is not None, repeated=unique_tokens is not None)
    plan |= {"hyperparameters": hyperparameters(plan["params"], plan["tokens"], plan["flops"])} if complete else {}
    return plan | {"laws": [row(law, plan, served, unique_tokens) for law in named], "left_out": left_out}


def _one_budget(flops: float | None, pf_days: float | None, machine: dict[str, Any] | None) -> tuple[float | None, dict[str, Any] | None]:
    given = [value for value in (flops, None if pf_days is None else pf_days * FLOPS_PER_PF_DAY) if value is not None]
    given += [machine["flops"]] if machine else []
    if len(given) > 1:
        raise ValueError("give the budget once: --flops, --pf-days, or --gpus with --gpu and --days")
    return (given[0] if given else None), machine


def _machine(
    gpus: float | None = None, gpu: str | None = None, days: float | None = None, mfu: float | None = None, fp8: bool = False
) -> dict[str, Any] | None:
    """The budget of so many accelerators and days, with what it was counted from; None where none were given."""
    given = {"--gpus": gpus, "--gpu": gpu, "--days": days}
    if all(value is None for value in given.values()):
        if mfu is not None or fp8:
            raise ValueError("--mfu and --fp8 belong to a number of accelerators: give --gpus, --gpu and --days with them")
        return None
    if lacking := [name for name, value in given.items() if value is None]:
        raise ValueError(f"a budget of accelerators needs --gpus, --gpu and --days; {' and '.join(lacking)} is missing")
    chip, share = accelerator(str(gpu)), MFU if mfu is None else mfu
    spent = budget_flops(chip, float(gpus or 0), float(days or 0), share, fp8)
    peak = {"peak_flops": chip.fp8 if fp8 else chip.bf16, "format": "fp8" if fp8 else "bf16", "source": chip.source}
    return {"gpus": gpus, "gpu": chip.name, "days": days, "mfu": share, **peak, "flops": spent}


def _complete(params: float | None, tokens: float | None, flops: float | None) -> dict[str, Any]:
    """Params, tokens and FLOPs of the plan, as far as what is given decides them."""
    if params is None and tokens is None and flops is None:
        raise ValueError("give a model size (--params 7B), tokens (--tokens 300B) or a budget (--flops 1e23); two of them decide the third")
    if params is not None and tokens is not None and flops is not None:
        raise ValueError("params, tokens and FLOPs are one equation (C = 6ND): give two of them, or one alone")
    if params is not None and tokens is not None:
        flops = training_flops(params, tokens)
    elif flops is not None and params is not None:
        tokens = tokens_for(flops, params)
    elif flops is not None and tokens is not None:
        params = tokens_for(flops, tokens)
    plan: dict[str, Any] = {"params": params, "tokens": tokens, "flops": flops}
    plan |= {"pf_days": None if flops is None else flops / FLOPS_PER_PF_DAY}
    return plan | ({"tokens_per_param": tokens / params} if params is not None and tokens is not None else {})


def show(plan: dict[str, Any], as_json: bool) -> None:
    """Print the plan as one JSON document, or as sentences and a table."""
    if as_json:
        click.echo(json.dumps(plan, allow_nan=False))
        return
    from lightning_scaling.cli.plan_table import hyperparameter_table, sentences, table

    for line in sentences(plan):
        click.echo(line)
    if plan["laws"]:
        click.echo(table(plan))
    if text := hyperparameter_table(plan):
        click.echo("\n" + text)
