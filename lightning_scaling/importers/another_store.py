"""Runs of another MLflow server or database: our own records as they are, others by the metrics that the user names."""

from collections.abc import Iterator

from lightning_scaling.importers.importer import Options
from lightning_scaling.importers.reading import Reading
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.mlflow.mapping_choice import MappingChoice


def read_store(uri: str, options: Options) -> Iterator[Reading | ValueError]:
    """Every run of a store, or why it could not be read.

    Raises:
        ValueError: no such store, or no way to count tokens.
    """
    from lightning_scaling.store import load

    study = load(uri, mapping=_choice(options).names())
    for record in study.records:
        if len(record.curve):
            yield _reading(record)
    for rejected in study.rejected:
        yield ValueError(f"{rejected.name or rejected.run_id}: {rejected.reason}")


def _choice(options: Options) -> MappingChoice:
    if options.names is not None:
        return MappingChoice.parse(options.names)
    tokens, per_step = options.columns.get("tokens", ""), options.tokens_per_step
    if not tokens and per_step is None:
        return MappingChoice()
    return MappingChoice(options.columns.get("loss", "val_loss"), tokens, "" if tokens or per_step is None else repr(per_step))


def _reading(record: RunRecord) -> Reading:
    facts = {} if record.curve.params is None else {"params": float(record.curve.params)}
    lr = None if record.curve.schedule is None else "recorded"
    loss, name = record.conventions.loss, record.name or record.key
    return Reading(record.curve, name, name, "run of a store", loss, "tokens", "tokens", lr, len(record.curve), [], [], facts)
