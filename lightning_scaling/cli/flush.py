"""`lightning-scaling flush`: deliver what recorders left on disk while their store did not answer."""

import json
from pathlib import Path

import click


@click.command(short_help="Deliver what an outage kept from the store.")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--store", help="Full address of a store with a password, which journals do not keep.  [default: MLFLOW_TRACKING_URI]")
@click.option("--migrate", is_flag=True, help="Migrate a database of an older MLflow, which that MLflow cannot open afterwards.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(folder: Path | None, store: str | None, migrate: bool, as_json: bool) -> None:
    """Deliver the journals in FOLDER (default: this user's spool folder) to their stores: in order, nothing lost, nothing twice.

    A run that is still being trained is left to its own process. Files that are no journals of yours are left as they are. What a store
    does not take now stays where it is, and the exit code is 2.

    \b
    Example:
      lightning-scaling flush
    """
    from lightning_scaling.store.delivery import as_json as plain
    from lightning_scaling.store.delivery import deliver

    deliveries = deliver(folder, store, migrate)
    if as_json:
        click.echo(json.dumps({"deliveries": [plain(d) for d in deliveries]}))
    else:
        for sentence in map(str, deliveries) if deliveries else ["nothing waits to be delivered"]:
            click.echo(sentence)
    if not all(d.delivered for d in deliveries):
        raise SystemExit(2)
