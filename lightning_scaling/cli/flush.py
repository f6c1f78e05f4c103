"""`lightning-scaling flush`: deliver what recorders left on disk while their store did not answer."""

import json
from pathlib import Path

import click


@click.command(short_help="Deliver what an outage kept from the store.")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(folder: Path | None, as_json: bool) -> None:
    """Deliver what waits in FOLDER (default: .lightning-scaling/spool) to the stores it belongs to: in order, nothing lost, nothing twice.

    A run that is still being trained is left to its own process. What a store does not take now stays where it is, and the exit code is 2.

    \b
    Example:
      lightning-scaling flush
    """
    from lightning_scaling.store.delivery import deliver

    deliveries = deliver(folder)
    if as_json:
        rows = [{**vars(d), "spool": d.spool and str(d.spool), "delivered": d.delivered} for d in deliveries]
        click.echo(json.dumps({"deliveries": rows}))
    else:
        for sentence in map(str, deliveries) if deliveries else ["nothing waits to be delivered"]:
            click.echo(sentence)
    if not all(d.delivered for d in deliveries):
        raise SystemExit(2)
