"""Runs in MLflow: written so that training never waits, read by thousands in seconds. The only package that knows MLflow's API.

Names are loaded on first use: `import lightning_scaling.store` imports neither mlflow nor pandas.
"""

from typing import TYPE_CHECKING

from lightning_scaling.lazy import lazy

if TYPE_CHECKING:
    from lightning_scaling.store.address import resolve_uri
    from lightning_scaling.store.adopting import adopt
    from lightning_scaling.store.client import StoreUnavailable
    from lightning_scaling.store.delivery import Delivery, deliver
    from lightning_scaling.store.foreign import Names
    from lightning_scaling.store.reading import load
    from lightning_scaling.store.recorder import Recorder
    from lightning_scaling.store.runs import Rejected, StoredRuns

_LAZY = {
    "Delivery": "delivery",
    "Names": "foreign",
    "Recorder": "recorder",
    "Rejected": "runs",
    "StoreUnavailable": "client",
    "StoredRuns": "runs",
    "adopt": "adopting",
    "deliver": "delivery",
    "load": "reading",
    "open_recorder": "interim",
    "resolve_uri": "address",
    "store_name": "interim",
}

__all__ = [
    "Delivery",
    "Names",
    "Recorder",
    "Rejected",
    "StoreUnavailable",
    "StoredRuns",
    "adopt",
    "deliver",
    "load",
    "resolve_uri",
]

__getattr__ = lazy(__name__, _LAZY)
