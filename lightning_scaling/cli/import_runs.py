"""`lightning-scaling import`: runs from log files, folders or another store into a store."""

from typing import Any

import click

from lightning_scaling.cli.column_options import column_options, names_option
from lightning_scaling.cli.plan import Count

EXAMPLES = """
\b
Examples:
  lightning-scaling import lightning_logs/ --experiment ladder --params 124M
  lightning-scaling import 'runs/*.csv' --store runs/ --experiment ladder --tokens-per-step 0.5M --yes
  lightning-scaling import sqlite:///other.db --names loss=val_loss,tokens_per_step=8192,params=n_params
"""


@click.command("import", epilog=EXAMPLES)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("--store", help="Where to: an MLflow tracking URI or a folder.  [default: sqlite:///mlflow.db]")
@click.option("--experiment", default="imported", show_default=True, help="Name of the experiment to write into.")
@click.option("--params", type=Count(), help="N: params of the model, where the files do not hold it.")
@click.option("--family", metavar="NAME", help="Name under which these runs are compared.")
@click.option("--run", metavar="NAME", help="Only the run of this name, where a file holds several.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else; writes only with --yes.")
@column_options
@names_option
def command(**given: Any) -> None:
    """Bring runs into a store: files of any kind, folders of loggers, globs, or another MLflow store.

    A table shows what was understood and what would be written before anything is. A run that is there already is left alone.
    """
    from lightning_scaling.cli.importing import bring

    bring(**given)
