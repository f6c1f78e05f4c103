"""What a user states about a file instead of leaving it to be guessed."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """Args:
    kind: kind of file (--from); None to guess.
    pattern: a line of a text log with {step}, {loss}, {lr}, {tokens} or {epoch} where the numbers are.
    columns: names of columns by role: "step", "tokens", "epoch", "loss", "lr".
    run: the run that is meant, where a file holds several.
    run_column: the column that names the run.
    tokens_per_step: tokens of one optimiser step, where the file has steps alone.
    names: how to read a store of other programs' runs, as `MappingChoice.parse` takes it; None for the columns and tokens per step above.

    Raises:
        ValueError: tokens per step that are not positive.
    """

    kind: str | None = None
    pattern: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    run: str | None = None
    run_column: str | None = None
    tokens_per_step: float | None = None
    names: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", {role: name for role, name in dict(self.columns).items() if name is not None})
        if self.tokens_per_step is not None and not 0 < self.tokens_per_step < float("inf"):
            raise ValueError(f"tokens per step must be a positive number, got {self.tokens_per_step}")
