"""Ending a run on a verdict: which verdicts may, and whether one has held long enough."""

from collections.abc import Iterable
from typing import Any

from lightning_scaling.advice.readings import Hysteresis
from lightning_scaling.advice.verdict import Verdict


def verdicts(stop: bool | str | Iterable[str] | None) -> tuple[str, ...]:
    """The names of verdicts that may end the run.

    Raises:
        ValueError: a name that is no verdict.

    >>> verdicts(None), verdicts(True), verdicts(("STOP", "GROW"))
    ((), ('STOP',), ('STOP', 'GROW'))
    """
    if stop is None or isinstance(stop, bool):
        return ("STOP",) if stop else ()
    names = (stop,) if isinstance(stop, str) else tuple(stop)
    unknown = [n for n in names if n not in Verdict.__members__]
    if unknown:
        raise ValueError(f"stop names verdicts among {', '.join(Verdict.__members__)}, got {', '.join(map(repr, unknown))}")
    return names


class Stopper:
    """Whether the run should end now.

    Args:
        names: verdicts that may end it.
        held: since when the same verdict has been given; lives in the run, so that a resume counts on.
    """

    def __init__(self, names: tuple[str, ...], held: dict[str, Any]) -> None:
        self.names = names
        self._held = held
        self._hysteresis = Hysteresis(names)
        if held:
            self._hysteresis.load_state_dict(held)

    def decide(self, verdict: str, tokens: int, budget: int) -> bool:
        """Whether `verdict` is one that ends runs and has held over a share of the token budget."""
        act = self._hysteresis.update(verdict, tokens, budget)
        self._held.update(self._hysteresis.state_dict())
        return act
