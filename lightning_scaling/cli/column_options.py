"""The options by which a command lets its user name the columns of a CSV file of losses."""

from typing import Any

import click

COLUMNS = ("step", "lr", "loss", "tokens")


def column_options(command: Any) -> Any:
    """Add --tokens-column, --loss-column, --lr-column and --step-column to a command."""
    for what in COLUMNS:
        command = click.option(f"--{what}-column", metavar="NAME", help=f"Column of the {what}; guessed from common names.")(command)
    return command
