"""A verdict acts only when it has held over some compute: the small state beside `advise`, which itself remembers nothing.

That is a share of the token budget, not a number of checks, so evaluating ten times as often does not act ten times as soon.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lightning_scaling.advice.verdict import Verdict

VERSION = 1
HOLD = 0.02  # of the token budget: what it costs to be sure


@dataclass
class Hysteresis:
    """Decides when a verdict has held long enough to act on it.

    Args:
        acts_on: verdicts (or their names) that may act.
        hold: share of the token budget over which the verdict must not change.

    Raises:
        ValueError: an unknown verdict, or a hold outside [0, 1).

    >>> state = Hysteresis(["STOP"], hold=0.02)
    >>> [state.update(verdict, tokens, 100) for verdict, tokens in [("STOP", 50), ("CONTINUE", 51), ("STOP", 52), ("STOP", 54)]]
    [False, False, False, True]
    """

    acts_on: frozenset[str]
    hold: float = HOLD
    verdict: str | None = None
    since: float | None = None

    def __init__(self, acts_on: Iterable[Verdict | str] = ("STOP",), hold: float = HOLD) -> None:
        self.acts_on = frozenset(name_of(each) for each in acts_on)
        if not 0 <= hold < 1:
            raise ValueError(f"hold is the share of the token budget over which a verdict must hold, from 0 to below 1; got {hold}")
        self.hold, self.verdict, self.since = hold, None, None

    def update(self, verdict: Verdict | str, tokens: float, budget: float) -> bool:
        """Take in the verdict at `tokens`; True when it may act now."""
        name = name_of(verdict)
        if name != self.verdict or self.since is None or tokens < self.since:
            self.verdict, self.since = name, float(tokens)
        return name in self.acts_on and tokens - self.since >= self.hold * budget

    def state_dict(self) -> dict[str, Any]:
        """A plain dict for a checkpoint."""
        return {"version": VERSION, "verdict": self.verdict, "since": self.since}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from `state_dict`; ValueError for a newer version."""
        if state.get("version") != VERSION:
            raise ValueError(f"cannot read hysteresis state of version {state.get('version')!r}, only {VERSION}")
        self.verdict, self.since = state["verdict"], state["since"]


def name_of(verdict: Verdict | str) -> str:
    """The name of a verdict, checked.

    >>> name_of(Verdict.STOP), name_of("grow")
    ('STOP', 'GROW')
    """
    name = verdict.name if isinstance(verdict, Verdict) else str(verdict).upper()
    if name not in Verdict.__members__:
        raise ValueError(f"no verdict {verdict!r}; there are {', '.join(Verdict.__members__)}")
    return name
