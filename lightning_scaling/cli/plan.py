"""`lightning-scaling plan`: C = 6ND either way, and what published or own laws make of a budget, a model size or a number of tokens."""

from typing import Any

import click

from lightning_scaling.numbers import parse_compute, parse_count

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


class Count(click.ParamType):  # type: ignore[type-arg]
    """A positive count as people write it."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; a ValueError with one line for anything else."""
        return _positive(parse_count(str(value)), value, param, "a positive number such as 7e9 or 7B")


class Compute(click.ParamType):  # type: ignore[type-arg]
    """An amount of compute as people write it."""

    name = "compute"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """FLOPs; a ValueError with one line for anything else."""
        return _positive(parse_compute(str(value)), value, param, "a positive amount of compute such as 1e23, 100 ZFLOPs or 3.3 PF-days")


def _positive(number: float, value: Any, param: click.Parameter | None, what: str) -> float:
    if not 0 < number < float("inf"):
        name = param.opts[0] if param is not None else "the value"
        raise ValueError(f"{name} must be {what}, got {value!r}")
    return int(number) if number.is_integer() and number < 2**63 else number


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
    from lightning_scaling.cli.planning import answer, show

    show(answer(**given), as_json)
