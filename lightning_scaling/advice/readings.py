"""Readings that change only when the new value has held: the verdict, whether to add data, the plateau. One line for each change.

`advise` remembers nothing, so a run at the edge of a decision could change its mind at every validation. A change counts, and a verdict
acts, when it has held over a share of the token budget, not over a number of checks: evaluating ten times as often does not act ten times
as soon. A plateau is called at once (it has held before it is called) and withdrawn only when it is unlikely.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lightning_scaling.advice.result import Advice
from lightning_scaling.advice.verdict import AddData, Verdict
from lightning_scaling.numbers import count, share

VERSION = 1
HOLD = 0.02  # of the token budget
KEPT = 0.5  # probability of a plateau below which one that was called is withdrawn


@dataclass(frozen=True)
class Change:
    """A reading has changed.

    Args:
        reading: "verdict", "add_data" or "plateau".
        value: its new value: a name of the enum; "called" or "withdrawn".
        line: what to print.
        tokens: at which it changed.
    """

    reading: str
    value: str
    line: str
    tokens: float


class Held:
    """A value that changes only when another one has held over a share of the token budget.

    Args:
        value: to begin with.
        hold: share of the token budget.

    >>> held = Held("CONTINUE")
    >>> [held.update(value, tokens, 100) for value, tokens in [("STOP", 50), ("CONTINUE", 51), ("STOP", 52), ("STOP", 54)]]
    [None, None, None, 'STOP']
    """

    def __init__(self, value: str, hold: float = HOLD) -> None:
        self.value, self.hold = value, _checked(hold)
        self.candidate, self.since = value, 0.0

    def update(self, value: str, tokens: float, budget: float, hold: float | None = None) -> str | None:
        """Take in the value at `tokens`; the value when it has changed now, else None."""
        if value == self.value:
            self.candidate = value
            return None
        if value != self.candidate or tokens < self.since:
            self.candidate, self.since = value, float(tokens)
        if tokens - self.since < (self.hold if hold is None else hold) * budget:
            return None
        self.value = value
        return value

    def state_dict(self) -> dict[str, Any]:
        """A plain dict for a checkpoint."""
        return {"value": self.value, "candidate": self.candidate, "since": self.since}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from `state_dict`."""
        self.value, self.candidate, self.since = state["value"], state["candidate"], float(state["since"])


class Readings:
    """The readings reported so far, and what has changed since.

    Args:
        hold: share of the token budget over which a change must hold.
    """

    def __init__(self, hold: float = HOLD) -> None:
        self.verdict = Held(Verdict.TOO_EARLY.name, hold)
        self.add_data = Held(AddData.NOT_KNOWN.name, hold)
        self.plateau = Held("none", hold)
        self.plateau_line: str | None = None

    def update(self, advice: Advice, tokens: float, budget: float) -> tuple[Change, ...]:
        """The readings that have changed with the advice given at `tokens` of `budget`, the plateau first."""
        found = [self._plateau(advice, tokens, budget)]
        if (name := self.verdict.update(advice.verdict.name, tokens, budget)) is not None:
            found.append(Change("verdict", name, f"verdict: {name}: {advice.because}", tokens))
        if (name := self.add_data.update(advice.add_data.name, tokens, budget)) is not None:
            found.append(Change("add_data", name, f"keep adding data? {name}: {advice.add_data_because}", tokens))
        return tuple(each for each in found if each is not None)

    def _plateau(self, advice: Advice, tokens: float, budget: float) -> Change | None:
        if advice.plateau is not None:
            if self.plateau.update("called", tokens, budget, hold=0.0) is None:
                return None
            self.plateau_line = str(advice.plateau)
            return Change("plateau", "called", self.plateau_line, tokens)
        sure = advice.plateau_probability
        if self.plateau.value != "called" or not sure < KEPT:  # unknown or still likely: what was called stays
            self.plateau.candidate = self.plateau.value
            return None
        if self.plateau.update("none", tokens, budget) is None:
            return None
        self.plateau_line = None
        text = f"plateau withdrawn at {count(tokens)} {advice.unit}: its probability has fallen to {share(sure)}"
        return Change("plateau", "withdrawn", text, tokens)

    def state_dict(self) -> dict[str, Any]:
        """A plain dict for a checkpoint."""
        held = {name: getattr(self, name).state_dict() for name in ("verdict", "add_data", "plateau")}
        return {"version": VERSION, "plateau_line": self.plateau_line, **held}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Resume from `state_dict`; ValueError for another version."""
        if state.get("version") != VERSION:
            raise ValueError(f"cannot read readings of version {state.get('version')!r}, only {VERSION}")
        for name in ("verdict", "add_data", "plateau"):
            getattr(self, name).load_state_dict(state[name])
        self.plateau_line = state["plateau_line"]


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

    def __init__(self, acts_on: Iterable[Verdict | str] = ("STOP",), hold: float = HOLD) -> None:
        self.acts_on, self.hold = frozenset(name_of(each) for each in acts_on), _checked(hold)
        self.verdict: str | None = None
        self.since: float | None = None

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


def _checked(hold: float) -> float:
    if not 0 <= hold < 1:
        raise ValueError(f"hold is the share of the token budget over which a value must hold, from 0 to below 1; got {hold}")
    return hold


def name_of(verdict: Verdict | str) -> str:
    """The name of a verdict, checked.

    >>> name_of(Verdict.STOP), name_of("grow")
    ('STOP', 'GROW')
    """
    name = verdict.name if isinstance(verdict, Verdict) else str(verdict).upper()
    if name not in Verdict.__members__:
        raise ValueError(f"no verdict {verdict!r}; there are {', '.join(Verdict.__members__)}")
    return name
