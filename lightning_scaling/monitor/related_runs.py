"""Finished runs of the same family, read from the store while training runs; forecasts use them as soon as they are there."""

import threading
from collections.abc import Sequence

from lightning_scaling.monitor.guard import Guard
from lightning_scaling.run.curve import Curve


class RelatedRuns:
    """Curves given by hand and those that a background thread finds.

    Args:
        given: known from the start.
    """

    def __init__(self, given: Sequence[Curve]) -> None:
        self._curves = tuple(given)

    @property
    def curves(self) -> tuple[Curve, ...]:
        """All that are known by now."""
        return self._curves

    def look_up(self, store: str, experiment: str, family: str, params: int, guard: Guard) -> None:
        """Read the finished smaller runs of `family` from `experiment`, without waiting for them."""
        threading.Thread(target=self._read, args=(store, experiment, family, params, guard), daemon=True, name="scaling-siblings").start()

    def _read(self, store: str, experiment: str, family: str, params: int, guard: Guard) -> None:
        from lightning_scaling.store import load

        try:
            self._curves += tuple(load(store, experiments=[experiment]).finished.siblings(family, below=params))
        except ValueError:
            return  # the experiment does not exist yet: this is its first run
        except Exception as error:
            guard.warn("siblings", f"the finished runs of family {family!r} could not be read, forecasts are made without ({error})")
