"""A block read whole by either reader is what reading it cell by cell gives, or is left to that."""

import numpy as np
import pytest

from lightning_scaling.importers import Options
from lightning_scaling.importers import delimited as table
from lightning_scaling.importers.dialect import Dialect, dialect_of
from lightning_scaling.importers.frame import Tally
from lightning_scaling.importers.number_blocks import numbers_of
from lightning_scaling.importers.source import Source

BLOCKS = {
    "numbers": "1,2.5,3e-4\n2,2.4,2E-4\n",
    "empty cells": "1,,3e-4\n2,2.4,\n,2.3,1e-4\n",
    "an empty last column": "1,2.5,\n2,2.4,\n",
    "broken": "1,nan,3e-4\n2,inf,2e-4\n3,-inf,\n4,NaN,1e-4\n",
    "quoted": '"1","2.5","3e-4"\n"2","2.4",""\n',
    "spaces around": "1, 2.5, 3e-4\n2 ,2.4,2e-4\n",
    "huge and tiny": "9007199254740993,1e308,1e-320\n2,1e999,+.5\n",
    "signs": "-1,+2.5,.5\n-2,-2.5,5.\n",
    "a word": "1,2.5,3e-4\n2,oops,2e-4\n",
    "a short row": "1,2.5,3e-4\n2,2.4\n",
    "a long row": "1,2.5,3e-4\n2,2.4,2e-4,7\n",
    "an end comma": "1,2.5,3e-4,\n2,2.4,2e-4,\n",
    "a comment": "# a,b,c\n1,2.5,3e-4\n",
    "a header": "step,loss,lr\n1,2.5,3e-4\n",
    "an empty line": "1,2.5,3e-4\n\n2,2.4,2e-4\n",
    "grouped": '"1,000",2.5,3e-4\n',
    "percent": "1,25%,3e-4\n",
    "underscore": "1_000,2.5,3e-4\n",
    "hexadecimal": "0x10,2.5,3e-4\n",
    "a truth": "true,2.5,3e-4\n",
    "null": "1,null,3e-4\n2,NA,2e-4\n",
    "a line break": '1,"2.5\n",3e-4\n2,2.4,2e-4\n',
    "unended": "1,2.5,3e-4\n2,2.4,2e-4",
}

PLAIN = ("numbers", "empty cells", "an empty last column", "broken", "huge and tiny", "signs")


def cell_by_cell(text: str, dialect: Dialect, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    head = dialect.delimiter.join(dialect.header) + "\n"
    with monkeypatch.context() as patch:
        patch.setattr(table, "numbers_of", lambda *given: None)
        patch.setattr(table, "dialect_of", lambda text: dialect)
        frames = list(table.read(Source("-", data=(head + text).encode()), Options(), Tally()))
    return [np.concatenate([frame.numbers[name] for frame in frames]) for name in dialect.header]


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("what", BLOCKS)
def test_a_block_is_what_its_cells_are(what: str, delimiter: str, long: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if long:
        pytest.importorskip("pyarrow")
    text = BLOCKS[what].replace(",", delimiter) if what != "grouped" else BLOCKS[what]
    dialect = Dialect(delimiter, ("step", "loss", "lr"), 1)
    found = numbers_of(text, text.count("\n"), dialect, [0, 1, 2], long)
    assert found is not None or what not in PLAIN
    if found is not None:
        for mine, theirs in zip(found, cell_by_cell(text, dialect, monkeypatch), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_decimal_commas_are_read_in_blocks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyarrow")
    text = "".join(f"{i};{2 + 1 / i:.4f};{1e-4 * i:.2e}\n".replace(".", ",") for i in range(1, 50))
    dialect = dialect_of("step;loss;lr\n" + text)
    assert dialect is not None
    found = numbers_of(text, text.count("\n"), dialect, [0, 1, 2], True)
    assert found is not None
    np.testing.assert_array_equal(found, cell_by_cell(text, dialect, monkeypatch))
    assert numbers_of("1.000;2,5;1,0\n", 1, dialect, [0, 1, 2], True) is None


def test_columns_that_are_not_wanted_may_hold_anything() -> None:
    dialect = Dialect(",", ("step", "note", "loss"), 1)
    for long in (False, True):
        found = numbers_of("1,a,2.5\n2,,2.4\n", 2, dialect, [0, 2], long)
        assert found is not None
        np.testing.assert_array_equal(found, [[1, 2], [2.5, 2.4]])
