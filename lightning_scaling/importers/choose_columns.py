"""Which column is the loss, the learning rate and the clock: the user's choice first, else by name and by the number of rows."""

import numpy as np

from lightning_scaling.importers.column_names import CLOCKS, PART, VALUE, Role, bare_loss, joined, words
from lightning_scaling.importers.frame import Tally
from lightning_scaling.importers.gather import Columns, Series
from lightning_scaling.importers.importer import Options

# A validation loss is followed where it has this many rows, or half as many as the training loss: fewer make no curve.
ENOUGH = 20
COVERED = 0.9
# A validation loss that changes once in so many rows, while the training loss changes in all, is the last one repeated.
REPEATED = 3


def without_repeats(columns: Columns, tally: Tally) -> Columns:
    """A validation loss that is written again beside every training loss, until there is a new one, keeps its first rows alone."""
    losses = dict(Options().of("loss", columns))
    beside = [columns[name] for name, found in losses.items() if found.split in ("train", "")]
    most = max((series.changes for series in beside), default=0)
    kept = dict(columns)
    for name, found in losses.items():
        seen, changes = columns[name].seen, columns[name].changes
        if found.split not in ("validation", "test") or found.rank >= PART or REPEATED * changes > min(seen, most) or most > 2 * seen:
            continue
        if _regular(columns[name]):
            kept[name] = columns[name].changed()
            tally.remark(f"{name} is written {seen} times and changes {changes} times: its repeats are left out")
    return kept


def _regular(series: Series) -> bool:
    """Whether it changes at about equal distances, as by a validation now and then, and not ever more rarely, as a rounded one does."""
    lengths = np.diff(np.flatnonzero(series.fresh()))
    return len(lengths) < 2 or bool(lengths.max() <= 2 * np.median(lengths))


def loss_column(columns: Columns, options: Options, name: str, tally: Tally) -> str:
    """The loss to follow.

    Raises:
        ValueError: no column is a loss; lists those that there are and what to do.
    """
    if wanted := _stated("loss", columns, options, name, tally):
        return wanted
    found = options.of("loss", columns)
    bare = [(column, role) for column in columns if (role := bare_loss(column)) is not None]
    if not found and any(role.split for _, role in bare):
        found = bare
        tally.remark(f"{_are(bare)} taken as the loss, as no column is named so")
    elif found and bare:
        tally.remark(f"{_are(bare)} not named a loss and not followed; --loss-column takes such a column")
    plain = [(c, r) for c, r in found if r.rank < PART] or found
    if not plain:
        return _other(columns, options, name, tally)
    held = _best([(c, r) for c, r in plain if r.split in ("validation", "test")], columns)
    trained = _best([(c, r) for c, r in plain if r.split in ("train", "")], columns)
    if others := [each for each in found if each[0] not in (held, trained)]:
        tally.remark(f"{_are(others)} not followed")
    if held is None or trained is None:
        return str(held or trained)
    points, beside = columns[held].seen, columns[trained].seen
    if points >= ENOUGH or 2 * points >= beside:
        tally.remark(f"{trained} ({beside} points) is not followed")
        return held
    tally.remark(f"{held} has {points} point{'s' * (points != 1)} only and is not followed; --loss-column {held!r} takes it")
    return trained


def _best(found: list[tuple[str, Role]], columns: Columns) -> str | None:
    def worse(each: tuple[str, Role]) -> tuple[bool, bool, int, int, bool]:
        name, role = each
        seen = columns[name].seen
        return role.split == "test", seen < ENOUGH, role.rank, -seen, words(name) != ("loss",)

    order = sorted(found, key=worse)
    if not order:
        return None
    most = max(columns[c].seen for c, _ in found)
    return next((c for c, _ in order if 5 * columns[c].seen >= most or columns[c].seen >= ENOUGH), order[0][0])


def _other(columns: Columns, options: Options, name: str, tally: Tally) -> str:
    """A single column of values is the loss of an export of one metric; a perplexity is refused, as its logarithm would be the loss."""
    values = [c for c in columns if joined(c) in VALUE]
    if len(values) == 1:
        tally.remark(f"column {values[0]!r} is taken as the loss, as the file has one metric")
        return values[0]
    if perplexity := options.of("perplexity", columns):
        raise ValueError(
            f"{name}: {perplexity[0][0]} is a perplexity and no column is a loss; write its natural logarithm into a column named loss, "
            f"or follow it as it is with --loss-column {perplexity[0][0]!r}"
        )
    raise ValueError(f"{name}: no column of losses among {_list(columns, tally)}; name it with --loss-column")


def _are(found: list[tuple[str, Role]]) -> str:
    names, more = [column for column, _ in found[:4]], len(found) - 4
    return ", ".join(names) + (f" and {more} more" if more > 0 else "") + (" is" if len(found) == 1 else " are")


def _stated(what: str, columns: Columns, options: Options, name: str, tally: Tally) -> str | None:
    wanted = options.columns.get(what)
    if wanted and wanted not in columns:
        raise ValueError(f"{name}: no column {wanted!r} with numbers; there are {_list(columns, tally)}")
    return wanted


def _list(columns: Columns, tally: Tally) -> str:
    names = list(dict.fromkeys([*columns, *tally.columns])) or ["none"]
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def lr_column(columns: Columns, options: Options, name: str, tally: Tally) -> str | None:
    """The learning rate, None where the file has none; of several parameter groups the first."""
    if wanted := _stated("lr", columns, options, name, tally):
        return wanted
    found = sorted((role.rank, column) for column, role in options.of("lr", columns))
    if len(found) > 1:
        tally.remark(f"{len(found)} learning rates, {found[0][1]} is taken")
    return found[0][1] if found else None


def clock_column(series: Series, options: Options, only: tuple[str, ...] = CLOCKS) -> tuple[str, str] | None:
    """(kind, column) of the clock that most rows of a series have: tokens before steps before samples before epochs."""
    points = series.points()
    found = []
    for kind in only:
        for column, (_, rank, _) in options.of(kind, (name for name in points if name not in ("row", "value"))):
            known = points[column][np.isfinite(points[column])]
            share = len(known) / len(points["row"])
            if share > 0 and (len(points["row"]) == 1 or known.min() < known.max()):
                found.append((share < COVERED and rank >= 0, -share if share < COVERED else 0, CLOCKS.index(kind), rank, kind, column))
    return min(found)[-2:] if found else None
