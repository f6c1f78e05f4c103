"""`lightning-scaling plan`: C = 6ND either way, and what published or own laws make of a budget."""

from typing import Any

import click

from lightning_scaling.numbers import parse_count

EXAMPLES = """
\b
Examples:
  lightning-scaling plan --params 1e3 --tokens 1e9
  lightning-scaling plan --flops 1e23 --params 7e9
  lightning-scaling plan --flops 5.76e23 --law hoffmann2022 --law besiroglu2024
  lightning-scaling plan --pf-days 10 --law law.json --served 1e12
"""


class Count(click.ParamType):  # type: ignore[type-arg]
    """A positive count as people write it."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; a ValueError with one line for anything else."""
        number = parse_count(str(value))
        if not 0 < number < float("inf"):
            name = param.opts[0] if param is not None else "the value"
            raise ValueError(f"{name} must be a positive number such as 7e9 or 7B, got {value!r}")
        return int(number) if number.is_integer() and number < 2**63 else number


@click.command("plan", epilog=EXAMPLES)
@click.option("--params", type=Count(), help="N: params of the model.")
@click.option("--tokens", type=Count(), help="D: training tokens.")
@click.option("--flops", type=Count(), help="C: training budget in FLOPs.")
@click.option("--pf-days", type=Count(), help="The budget in PF-days (8.64e19 FLOPs each) instead.")
@click.option(
    "--law", "laws", multiple=True, help="A published law, or a law.json saved by `fit`; several make one table. 'all': every one."
)
@click.option("--served", type=Count(), help="Tokens the model will serve in its life: adds the inference-aware optimum.")
@click.option("--unique-tokens", type=Count(), help="Size of the data, where the plan repeats it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def command(**given: Any) -> None:
    """Answer C = 6ND, and where given laws put the optimum of a budget."""
    from lightning_scaling.cli.planning import answer, show

    result = answer(**{k: v for k, v in given.items() if k != "as_json"})
    show(result, given["as_json"])
