"""What an importer is, what a user may state to it, and which there are: one file of this folder each, and those of other packages.

A package adds a kind through the entry-point group `lightning_scaling.importers`: a name, and an `Importer`.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from lightning_scaling.importers.column_names import Role, role
from lightning_scaling.importers.frame import Frame, Tally
from lightning_scaling.importers.source import Source

GROUP = "lightning_scaling.importers"
# In the order in which they are asked: what has a signature first, lines of plain text last.
OWN = ("parquet", "tensorboard", "wandb_run", "mlflow_run", "json_files", "pattern", "delimited", "text_log")


@dataclass(frozen=True)
class Options:
    """What a user states about a file instead of leaving it to be guessed.

    Args:
        kind: kind of file (--from); None to guess.
        pattern: a line of a text log with {step}, {loss}, {lr}, {tokens} or {epoch} where the numbers are.
        columns: names of columns by role: "step", "tokens", "epoch", "loss", "lr".
        run: the run that is meant, where a file holds several.
        run_column: the column that names the run.
        tokens_per_step: tokens of one optimiser step, where the file has steps alone.
        names: how to read a store of other programs' runs, as `MappingChoice.parse` takes it; None: by the columns and tokens above.

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

    def role(self, name: str) -> Role | None:
        """The role of a column: the user's choice, else by its name."""
        return next((Role(what, -1) for what, named in self.columns.items() if named == name), role(name))

    def of(self, what: str, names: Iterable[str]) -> list[tuple[str, Role]]:
        """The columns of a role."""
        return [(name, found) for name in names if (found := self.role(name)) is not None and found.what == what]


@dataclass(frozen=True)
class Importer:
    """One kind of file.

    Args:
        kind: its name for --from.
        what: in words, for messages.
        recognises: whether a source looks like this kind; cheap, from its name and its first 64 kB.
        read: its rows as frames; what is skipped goes into the tally.
        first_step: the number that this kind gives the first step: Lightning counts from 0.
    """

    kind: str
    what: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source, Options, Tally], Iterator[Frame]]
    first_step: int = 1


@cache
def importers() -> dict[str, Importer]:
    """All importers by kind, own ones first."""
    found: dict[str, Importer] = {}
    for module in OWN:
        for each in import_module(f"lightning_scaling.importers.{module}").IMPORTERS:
            found[each.kind] = each
    for point in entry_points(group=GROUP):
        each = _loaded(point)
        if each is not None:
            found.setdefault(each.kind, each)
    return found


def _loaded(point: EntryPoint) -> Importer | None:
    """The importer of another package; None, with a warning, where it does not load: that package's fault stops no file of other kinds."""
    try:
        found = point.load()
    except Exception as error:
        found = error
    if isinstance(found, Importer):
        return found
    brought = point.dist.name if point.dist is not None else "a package"
    why = f"{type(found).__name__}: {found}" if isinstance(found, Exception) else f"a {type(found).__name__}, not an Importer"
    warnings.warn(f"the importer {point.name!r} of {brought} is left out ({why})", stacklevel=2)
    return None


def importer_for(source: Source, kind: str | None = None, pattern: str | None = None) -> Importer:
    """The importer of a source; ValueError where none recognises it, with what would.

    Args:
        kind: the user's choice (--from), None to guess.
        pattern: the user's pattern, which decides by itself.
    """
    known = importers()
    if kind is not None:
        if kind not in known:
            raise ValueError(f"no importer for {kind!r}; --from takes {', '.join(known)}")
        return known[kind]
    if pattern is not None:
        return known["pattern"]
    if not source.head:
        raise ValueError(f"{source.name} is empty; give a file that holds a header and rows of numbers")
    for each in known.values():
        if each.recognises(source):
            return each
    raise ValueError(
        f"{source.name}: no kind of file that is known (a table needs a header above rows of as many cells); "
        f"name it with --from ({', '.join(known)}), or give a line of it as --pattern 'step {{step}} loss {{loss}}'"
    )
