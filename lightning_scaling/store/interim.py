"""Interim: the new API over the old recorder, until the new store is merged."""

from typing import Any

from lightning_scaling.store.address import resolve_uri
from lightning_scaling.store.recorder import Recorder


def open_recorder(store: Any, key: str, *, experiment: str = "lightning-scaling", run_name: Any = None, **about: Any) -> Recorder:
    """A recorder that is open."""
    recorder = Recorder(store, experiment, run_name)
    recorder.open(key, **about)
    return recorder


def store_name(store: Any) -> str:
    """The name of a store."""
    return resolve_uri(store)
