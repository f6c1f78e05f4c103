"""Runs of a folder store."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from lightning_scaling.run.record import RunRecord
from lightning_scaling.store.folder import RECORD, RUN, read_run
from lightning_scaling.store.run_state import with_state
from lightning_scaling.store.runs import Rejected, Runs


def load_folder(root: Path, experiments: Iterable[str] | None, stale_after: float, now: float) -> Runs:
    """`load` for a folder.

    Raises:
        ValueError: no such folder or experiment.
    """
    if not root.is_dir():
        raise ValueError(f"no store at {root}: nothing was recorded there yet")
    have = set(experiments_in(root).values())
    wanted = None if experiments is None else list(experiments)
    if missing := [name for name in wanted or () if name not in have]:
        raise ValueError(f"no experiment {missing[0]!r} in {root}; it has {', '.join(map(repr, sorted(have)[:8]))}")
    records, rejected = [], []
    for folder in _runs(root):
        where, run_id = unquote(folder.parent.name), f"{folder.parent.name}/{folder.name}"
        if wanted is not None and where not in wanted:
            continue
        try:
            records.append(replace(_record(folder, stale_after, now), experiment=where, run_id=run_id))
        except (ValueError, OSError) as error:
            rejected.append(Rejected(run_id, unquote(folder.name), where, str(error)))
        except (KeyError, TypeError) as error:
            rejected.append(Rejected(run_id, unquote(folder.name), where, f"record damaged: {error}"))
    return Runs(tuple(records), tuple(rejected)).once


def experiments_in(root: Path) -> dict[str, str]:
    """id → name."""
    return {folder.parent.name: unquote(folder.parent.name) for folder in _runs(root)}


def _runs(root: Path) -> Iterator[Path]:
    return (file.parent for file in sorted(root.glob(f"*/*/{RUN}")))


def _record(folder: Path, stale_after: float, now: float) -> RunRecord:
    run = read_run(folder) or {}
    try:
        record = RunRecord.from_json(json.loads((folder / RECORD).read_text()))
    except FileNotFoundError:
        raise ValueError("no record yet: the run has not reached its first validation") from None
    record = with_state(record, str(run.get("status")), run.get("heartbeat_ms", 0) / 1000, now, stale_after)
    return replace(record, name=str(run.get("name") or record.name))
