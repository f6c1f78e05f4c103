"""Options that several commands share: counts as people write them, what a file is and what its columns are, the metric mapping."""

from collections.abc import MutableMapping
from typing import Any

import click

from lightning_scaling.importers.importer import Options
from lightning_scaling.numbers import parse_compute, parse_count

COLUMNS = ("step", "lr", "loss", "tokens", "epoch")


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


def column_options(command: Any) -> Any:
    """Add --step-column, --lr-column, … and --from, --pattern, --run-column, --tokens-per-step to a command."""
    command = click.option("--tokens-per-step", metavar="NUMBER", help="Tokens of one optimiser step, where the file has steps alone.")(
        command
    )
    command = click.option("--run-column", metavar="NAME", help="Column that names the run, where a file holds several.")(command)
    command = click.option("--pattern", metavar="TEXT", help="A line of a text log, e.g. 'step {step} loss {loss} lr {lr}'.")(command)
    command = click.option("--from", "kind", metavar="KIND", help="Kind of the file, where guessing fails.")(command)
    for what in COLUMNS:
        command = click.option(f"--{what}-column", metavar="NAME", help=f"Column of the {what}; found by its usual names.")(command)
    return command


def names_option(command: Any) -> Any:
    """Add --names to a command that reads runs of a store; `mapping_of` takes its text."""
    return click.option(
        "--names",
        metavar="TEXT",
        help="How to read runs of a store that other programs logged: 'loss=val_loss,tokens_per_step=8192,params=n_params', "
        "or the same part of the page's address.",
    )(command)


def mapping_of(names: str | None) -> Any:
    """The metric mapping that --names states, None without it.

    Raises:
        ValueError: words that are no mapping.
    """
    if names is None:
        return None
    from lightning_scaling.store.mlflow.mapping_choice import MappingChoice

    return MappingChoice.parse(names).names()


def file_options(given: MutableMapping[str, Any], run: str | None = None) -> Options:
    """The options taken out of what a command was given.

    Raises:
        ValueError: tokens per step that are no positive number.
    """
    columns = {what: given.pop(f"{what}_column") for what in COLUMNS}
    text = given.pop("tokens_per_step")
    per_step = None if text is None else parse_count(text)
    if per_step is not None and not 0 < per_step < float("inf"):
        raise ValueError(f"--tokens-per-step must be a positive number such as 524288 or 0.5M, got {text!r}")
    return Options(given.pop("kind"), given.pop("pattern"), columns, run, given.pop("run_column"), per_step)
