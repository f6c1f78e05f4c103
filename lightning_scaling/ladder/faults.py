"""Everything that is wrong with a design, in one go: a line a fault, each with its place, what is there, and what to write instead."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class DesignFaults(ValueError):  # noqa: N818 - it holds several
    """A design that cannot be run; `lines` holds a sentence for each fault."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines

    def __reduce__(self) -> Any:
        return DesignFaults, (self.lines,)


class Faults:
    """Collects faults while a design is read; a value that is wrong is replaced by its default, so that reading continues."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, place: str, what: str) -> None:
        if (line := f"{place}: {what}") not in self.lines:  # several cells of a block may share a fault
            self.lines.append(line)

    def raised(self) -> None:
        """
        Raises:
            DesignFaults: there are any.
        """
        if self.lines:
            raise DesignFaults(self.lines)

    def unknown(self, place: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
        """Keys that mean nothing."""
        known = list(known)
        for key in given:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
                self.add(f"{place}.{key}" if place else str(key), f"no such key; {hint}")

    def read(self, place: str, value: Any, read: Callable[[Any], Any], wanted: str, default: Any) -> Any:
        """The value as `read` takes it; a fault and the default where it cannot."""
        try:
            return read(value)
        except (ValueError, TypeError, OverflowError):
            self.add(place, f"must be {wanted}, got {value!r}")
            return default
