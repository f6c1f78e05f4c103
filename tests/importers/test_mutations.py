"""Damaged and rewritten files: never a traceback, and never an answer that differs from the undamaged file's without a word."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from importers_truth import HEADER, LOSS, RATE, ROWS, STEPS

from lightning_scaling.importers import Options, Reading
from lightning_scaling.importers.read import read_each

SETTINGS = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
JUNK = st.sampled_from(
    ["", "None", "N/A", "nan", "oops", "1,000", "# note", '"', "\x00", "é", "20.0%", "=cmd|' /C calc'!A0", "9e999", "-", "{}", ";", "\t"]
)


def reported(reading: Reading) -> bool:
    """Whether anything was reported beside a plain reading."""
    plain = ("is not followed", "no clock")
    return bool(reading.skipped) or any(not any(p in remark for p in plain) for remark in reading.remarks)


def differs(reading: Reading) -> bool:
    curve = reading.curve
    return len(curve) != 50 or not np.array_equal(curve.tokens, STEPS) or not np.allclose(curve.loss, LOSS, rtol=1e-6, equal_nan=False)


def read(tmp_path, content: bytes) -> Reading | None:
    """The reading, or None where the file was refused in one line that names it."""
    path = tmp_path / "run.csv"
    path.write_bytes(content)
    (reading,) = read_each(str(path))
    if isinstance(reading, Reading):
        return reading
    assert "run.csv" in str(reading)
    assert "\n" not in str(reading)
    return None


@SETTINGS
@given(
    delimiter=st.sampled_from([",", ";", "\t", " "]),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]),
    names=st.sampled_from([("step", "loss", "lr"), ("Global Step", "Train Loss", "learning rate"), ("iteration", "eval/loss", "lr-AdamW")]),
    columns=st.permutations([0, 1, 2]),
    rows=st.sampled_from(["as logged", "reversed", "shuffled"]),
    comma=st.booleans(),
    final=st.booleans(),
)
def test_a_file_that_is_only_written_otherwise_is_the_same_run(tmp_path, delimiter, ending, encoding, names, columns, rows, comma, final):
    if delimiter == " ":
        names = tuple(name.replace(" ", "_") for name in names)
    comma = comma and delimiter != ","
    order = {"as logged": range(50), "reversed": range(49, -1, -1), "shuffled": np.random.default_rng(1).permutation(50)}[rows]
    cells = [[f"{STEPS[i]}", f"{LOSS[i]:.5f}", f"{RATE[i]:.4e}"] for i in order]
    body = [[cell.replace(".", ",") if comma else cell for cell in row] for row in cells]
    text = ending.join(delimiter.join(row[k] for k in columns) for row in [list(names), *body]) + (ending if final else "")
    reading = read(tmp_path, text.encode(encoding))
    assert reading is not None
    assert not differs(reading)
    assert reading.curve.schedule is not None


@SETTINGS
@given(row=st.integers(1, 50), column=st.integers(0, 2), junk=JUNK)
@example(row=1, column=0, junk='"')
@example(row=50, column=1, junk="")
def test_one_bad_cell_changes_nothing_without_a_word(tmp_path, row, column, junk):
    lines = [line.split(",") for line in (HEADER, *ROWS)]
    lines[row][column] = junk
    reading = read(tmp_path, ("\n".join(",".join(line) for line in lines) + "\n").encode())
    assert reading is None or not differs(reading) or reported(reading) or len(reading.curve) == 49


@SETTINGS
@given(at=st.integers(0, 1200), size=st.integers(1, 40), noise=st.binary(min_size=0, max_size=40))
def test_bytes_written_over_others_change_nothing_without_a_word(tmp_path, at, size, noise):
    plain = "\n".join([HEADER, *ROWS, ""]).encode()
    damaged = plain[:at] + noise + plain[at + size :]
    reading = read(tmp_path, damaged)
    assert reading is None or not differs(reading) or reported(reading) or _near(reading)


def _near(reading: Reading) -> bool:
    """A digit that became another cannot be known to be wrong: at most a few points may be off or missing where nothing is reported."""
    there = np.isin(reading.curve.tokens, STEPS)
    values = dict(zip(STEPS.tolist(), LOSS.tolist(), strict=True))
    off = sum(abs(values[s] - x) > 1e-6 for s, x in zip(reading.curve.tokens[there], reading.curve.loss[there], strict=True))
    return bool(off + (~there).sum() + abs(50 - len(reading.curve)) <= 4)


@SETTINGS
@given(
    data=st.binary(max_size=400),
    name=st.sampled_from(["x.csv", "x.json", "x.jsonl", "x.txt", "x.parquet", "events.out.tfevents.1", "x.csv.gz", "metrics/loss"]),
)
def test_any_bytes_under_any_name_are_read_or_refused(tmp_path, data, name):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    for each in read_each(str(path)):
        assert isinstance(each, (Reading, ValueError))


@SETTINGS
@given(text=st.text(max_size=300), pattern=st.sampled_from([None, "{step} {loss}", "step {step}{}loss {loss}"]))
def test_any_text_is_read_or_refused(tmp_path, text, pattern):
    path = tmp_path / "any.log"
    path.write_bytes(text.encode("utf-8", "replace"))
    for each in read_each(str(path), Options(pattern=pattern)):
        assert isinstance(each, (Reading, ValueError))


@pytest.mark.parametrize("kept", range(30, 51, 2))
def test_a_file_cut_anywhere_is_the_run_up_to_there(tmp_path, kept):
    text = "\n".join([HEADER, *ROWS[:kept]])
    reading = read(tmp_path, text[:-3].encode())
    assert reading is not None
    assert len(reading.curve) == kept - 1
    assert reading.skipped == [{"reason": "half-written last row", "rows": 1, "first_row": kept + 1}]
