"""What the laws of further columns share on the command line: one table, the run to predict, the shape of the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lightning_scaling.cli.sources import Sources
from lightning_scaling.importers.runs_table import RunsTable, read_table
from lightning_scaling.laws import Larger
from lightning_scaling.numbers import count
from lightning_scaling.run.record import finite_json


@dataclass(frozen=True)
class Planned:
    """The run to predict: params (in a mixture of experts the active ones), all params, tokens; None where none was asked for."""

    params: float | None = None
    total: float | None = None
    tokens: float | None = None

    def __post_init__(self) -> None:
        if (self.params is None) != (self.tokens is None):
            raise ValueError("a planned run has a size and a length: give --at-params and --at-tokens together")
        if self.total is not None and self.params is None:
            raise ValueError("--at-total goes with --at-params (the active parameters) and --at-tokens")

    @property
    def size(self) -> tuple[float, float] | None:
        """(params, tokens), None where no run was asked for."""
        return None if self.params is None or self.tokens is None else (self.params, self.tokens)

    def __str__(self) -> str:
        size = count(self.params) + (f" active of {count(self.total)}" if self.total is not None else "")
        return f"{size} params on {count(self.tokens)} tokens"


@dataclass(frozen=True)
class Found:
    """An answer: the document of --json, its words, and in lines how the files were read."""

    document: dict[str, Any]
    words: str
    read: list[str]

    def json(self) -> dict[str, Any]:
        """The document, with null for what is not a number."""
        return {key: finite_json(value) for key, value in self.document.items()}


def table_of(sources: Sources, option: str, named: Mapping[str, str | None]) -> RunsTable:
    """The one table of finished runs that a command was given; `named` as in `read_table`."""
    if len(sources.files) != 1:
        raise ValueError(f"{option} reads one table of finished runs, a line each")
    runs_only(sources, taken=("lr",) if option == "--hyper" else ())
    return read_table(sources.files[0], named)


def runs_only(sources: Sources, taken: Sequence[str] = ()) -> None:
    """ValueError where an option was given that reads logs of training, for which a table of finished runs has no use."""
    how = sources.options
    given: dict[str, object] = {f"--{what}-column": how.columns.get(what) for what in ("step", "epoch", "lr") if what not in taken}
    given |= {"--tokens-per-step": how.tokens_per_step, "--run": how.run, "--params": sources.params, "--family": sources.family}
    for option, value in given.items():
        if value is not None:
            raise ValueError(
                f"{option} reads logs of training, and {sources.files[0]} is a table of finished runs: leave {option} out, or give --from"
            )


def at_each(made: Larger, targets: int) -> list[dict[str, float]]:
    """Loss, low, high and factor of each target of one prediction."""
    return [{name: float(getattr(made, name)[k]) for name in ("loss", "low", "high", "factor")} for k in range(targets)]


def outcome_of(law: Any) -> dict[str, str]:
    """The outcome of a law as a document holds it."""
    return {"outcome": law.outcome.name, "meaning": str(law.outcome), "because": getattr(law, "because", "")}


def larger_found(made: Larger, params: float | None, tokens: float | None) -> dict[str, Any]:
    """The prediction of `predict_larger` for one run, as a document holds it."""
    found: dict[str, Any] = {"params": params, "tokens": tokens, **outcome_of(made)}
    found |= {name: getattr(made, name) for name in ("loss", "low", "high", "level", "factor", "floor_share")}
    found["shorten"] = None if made.shorten is None else {**asdict(made.shorten), "meaning": str(made.shorten)}
    if made.task is not None:
        found["score"] = {name: getattr(made.task, name) for name in ("score", "low", "high")} | outcome_of(made.task)
    return {key: finite_json(value) for key, value in found.items()}
