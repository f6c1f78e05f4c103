"""Tables of text in every dialect are the same run, and what is not taken is counted with its first row."""

import bz2
import gzip
import lzma

import numpy as np
import pytest
from importers_truth import HEADER, LOSS, RATE, ROWS, STEPS, same_losses

from lightning_scaling.importers import read_run
from lightning_scaling.numbers import count

LINES = [HEADER, *ROWS]
PLAIN = ("\n".join(LINES) + "\n").encode()


def joined(sep: str) -> list[str]:
    return [line.replace(",", sep) for line in LINES]


@pytest.mark.parametrize(
    "lines",
    [
        joined(";"),
        joined("\t"),
        joined(" "),
        joined("   "),
        *(joined(sep) for sep in (":", "^", "~", "#", "||", "::", " & ", "\x01", "\x1f")),
        ["\\begin{tabular}{rrr}", *(rf"{line} \\ \hline" for line in joined(" & ")), "\\end{tabular}"],
        [HEADER, *(row.replace("e", "D") for row in ROWS)],
        [line + "," for line in LINES],
        ["# seed 3, host a7", *LINES],
        [*LINES[:20], HEADER, *LINES[20:]],
        ["", *LINES, ""],
        ["step    train loss    lr", *(line.replace(",", "    ") for line in ROWS)],
        ["+---+", "| step | loss | lr |", "+===+", *(f"| {line.replace(',', ' | ')} |\n+---+---+---+" for line in ROWS), "50 rows in set"],
        ['"step" "loss" "lr"', *(f'"{i}" {line.replace(",", " ")}' for i, line in enumerate(ROWS, 1))],
        ["step,metrics/mAP_0.5:0.95,loss,lr", *(row.replace(",", ",0.1,", 1) for row in ROWS)],
        [f'"{line}"'.replace(",", '","') for line in LINES],
        [f"{i - 1 if i else ''},{line}" for i, line in enumerate(LINES)],
        [f"| {line.replace(',', ' | ')} |" for line in (HEADER, "---,---,---", *ROWS)],
        [line.replace(".", ",").replace(";", ";") for line in joined(";")],
        ["# " + line if i == 0 else line for i, line in enumerate(joined(" "))],
        ["global_step,optim/lr,eval/loss,train/global_step", *(f"{s},{r},{x},{s}" for s, x, r in (row.split(",") for row in ROWS))],
        ["Train_Step,Train/Loss,learningRate", *ROWS],
        [*LINES[:30], "", "# resumed on another node", *LINES[30:]],
    ],
)
def test_every_dialect_is_the_same_run(file, lines):
    reading = same_losses(file("run.csv", lines))
    assert reading.curve.schedule is not None
    np.testing.assert_allclose(reading.curve.schedule.lr, RATE, rtol=1e-3)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "utf-32"])
def test_every_encoding_is_the_same_run(file, encoding):
    same_losses(file("run.csv", ("Zeitstempel £," + PLAIN.decode().replace("\n", "\n0,")).removesuffix("0,").encode(encoding)))


@pytest.mark.parametrize(("pack", "ending"), [(gzip.compress, "gz"), (bz2.compress, "bz2"), (lzma.compress, "xz")])
@pytest.mark.parametrize("named", [True, False])
def test_compression_is_seen_by_content(file, pack, ending, named):
    same_losses(file(f"run.csv.{ending}" if named else "run.csv", pack(PLAIN)))


def test_zstd_is_read_where_pyarrow_is(file):
    pyarrow = pytest.importorskip("pyarrow")
    same_losses(file("run.csv.zst", pyarrow.Codec("zstd").compress(PLAIN, asbytes=True)))


def test_numbers_with_grouped_thousands(file):
    same_losses(file("run.csv", [HEADER, *(f'"{s:,}",{loss},{rate}' for s, loss, rate in zip(STEPS, LOSS, RATE, strict=True))]))


def test_absent_cells_are_counted_with_the_first_row(file):
    lines = LINES.copy()
    lines[4], lines[9] = "160,None,1e-4", "360,N/A,1e-4"
    kept = np.delete(np.arange(50), [3, 8])
    reading = same_losses(file("run.csv", lines), STEPS[kept], LOSS[kept])
    assert reading.skipped == [{"reason": "no number in column 'loss' (None)", "rows": 2, "first_row": 5}]


def test_a_word_in_the_loss_is_counted_not_read(file):
    lines = LINES.copy()
    lines[7] = "280,oops,1e-4"
    kept = np.delete(np.arange(50), 6)
    reading = same_losses(file("run.csv", lines), STEPS[kept], LOSS[kept])
    assert reading.to_json()["rows_skipped"] == 1
    assert reading.skipped[0]["first_row"] == 8


@pytest.mark.parametrize("tail", ["2040", "2040,2.9", "2040,2.91234,1.2"])
def test_a_row_that_is_still_being_written_is_left_out(file, tail):
    reading = same_losses(file("run.csv", "\n".join([*LINES, tail])))
    assert reading.skipped == [{"reason": "half-written last row", "rows": 1, "first_row": 52}]


def test_a_whole_last_row_without_an_end_of_line_is_kept(file):
    same_losses(file("run.csv", "\n".join(LINES)))


def test_a_loss_that_broke_stays_in_the_curve_and_is_remarked(file):
    reading = read_run(file("run.csv", [*LINES, "2040,nan,1e-5", "2080,inf,1e-5"]))
    assert np.isnan(reading.curve.loss[-2:]).all()
    assert any("nan or infinite in 2 rows, first row 52" in remark for remark in reading.remarks)


def test_nan_wherever_another_metric_was_logged_is_an_empty_cell(file):
    lines = ["step,val_loss,train_loss"]
    lines += [line for s, loss in zip(STEPS, LOSS, strict=True) for line in (f"{s - 1},nan,3", f"{s},{loss},nan", f"{s},nan,3")]
    same_losses(file("run.csv", lines))


def test_a_quoted_cell_may_hold_a_line_break(file):
    same_losses(file("run.csv", ["note,step,loss,lr", *(f'"a\nb",{row}' for row in ROWS)]))


def test_rows_of_another_width_are_counted(file):
    reading = same_losses(file("run.csv", [*LINES[:11], "killed by signal 9", *LINES[11:]]))
    assert reading.skipped == [{"reason": "not 3 cells as in the header", "rows": 1, "first_row": 12}]


def test_a_million_rows_hold_no_more_points_than_a_few_hundred_thousand(file):
    steps = np.arange(1, 1_000_001)
    path = file("long.csv", "step,loss\n" + "\n".join(f"{s},{2 + 50 / s:.6f}" for s in steps.tolist()) + "\n")
    reading = read_run(path)
    assert len(reading.curve) <= 2**19 + 50_000
    assert (reading.curve.tokens[0], reading.curve.tokens[-1], reading.rows) == (1, 1_000_000, 1_000_000)
    np.testing.assert_allclose(reading.curve.loss, np.round(2 + 50 / reading.curve.tokens, 6))


def test_a_printed_data_frame_has_an_index_without_a_name(file):
    reading = same_losses(
        file("frame.txt", ["   step    loss      lr", *(f"{i:>3} {row.replace(',', '  ')}" for i, row in enumerate(ROWS))])
    )
    assert reading.curve.schedule is not None


@pytest.mark.parametrize("name", ["Tokens (B)", "tokens_B", "tokens (billions)", "tokens/1e9", "tokens [10^9]"])
def test_the_unit_in_the_name_of_the_clock_is_read_and_remarked(file, name):
    reading = read_run(file("run.csv", [f"{name},loss", *(f"{s / 1000},{loss}" for s, loss in zip(STEPS, LOSS, strict=True))]))
    np.testing.assert_allclose(reading.curve.tokens, STEPS * 1e6)
    assert f"{name} is read in units of 1e+09" in reading.remarks


@pytest.mark.parametrize("name", ["lr ×1e-4", "learning rate (10^-4)"])
def test_the_unit_in_the_name_of_the_rate_is_read_and_remarked(file, name):
    reading = same_losses(
        file("run.csv", [f"step,loss,{name}", *(f"{s},{x},{r * 1e4}" for s, x, r in zip(STEPS, LOSS, RATE, strict=True))])
    )
    np.testing.assert_allclose(reading.curve.schedule.lr, RATE)
    assert f"{name} is read in units of 0.0001" in reading.remarks


@pytest.mark.parametrize(("name", "unit"), [("Mtok", 1e6), ("GTokens", 1e9), ("ksteps", 1e3)])
def test_a_unit_written_before_what_is_counted(file, name, unit):
    reading = read_run(file("run.csv", [f"{name},loss", *(f"{s},{loss}" for s, loss in zip(STEPS, LOSS, strict=True))]))
    np.testing.assert_allclose(reading.curve.tokens, STEPS * unit)


def test_an_objective_that_grows_keeps_its_sign_with_a_word(file):
    reading = same_losses(file("run.csv", ["step,objective", *(f"{s},{-x}" for s, x in zip(STEPS, LOSS, strict=True))]), loss=-LOSS)
    assert "objective is negative throughout" in reading.lines()[2]


def test_the_rate_is_stated_on_the_clock_that_it_has(file):
    rows = zip(STEPS, LOSS, RATE, strict=True)
    reading = read_run(file("run.csv", ["tokens,loss,lr", *(f"{s * 1000},{loss},{rate}" for s, loss, rate in rows)]))
    assert f"learning rate: lr, to {count(STEPS[-1] * 1000)} tokens" in reading.lines()[2]


@pytest.mark.parametrize("empty", ["nan", "NaN"])
def test_a_loss_that_is_mostly_nan_has_the_points_that_are_numbers(file, empty):
    """A printed or exported table writes nan where nothing was logged: those are no points of a validation loss."""
    rows = (f"{s},{loss},{loss + 0.1 if i % 10 == 9 else empty}" for i, (s, loss) in enumerate(zip(STEPS, LOSS, strict=True)))
    reading = same_losses(file("run.csv", ["step,train_loss,val_loss", *rows]))
    assert reading.loss == "train_loss"
    assert any("val_loss has 5 points only and is not followed" in remark for remark in reading.remarks)


def test_cells_of_any_length_the_last_cut_short_and_the_last_whole(file):
    """A rate ends at a round number; a loss that was being written is far from the one before it."""
    cut = [*(f"{s},{float(rate)!r},{float(loss)!r}" for s, loss, rate in zip(STEPS, LOSS, RATE, strict=True)), "2040,1e-5,2"]
    reading = same_losses(file("run.csv", "\n".join(["step,lr,loss", *cut])))
    assert reading.skipped == [{"reason": "half-written last row", "rows": 1, "first_row": 52}]
    rates = [f"{1e-4 * (1 + 1 / (3 + i)):.{5 + i % 3}e}" for i in range(49)] + ["1.02e-4"]
    same_losses(file("whole.csv", "\n".join(["step,loss,lr", *(f"{s},{x},{r}" for s, x, r in zip(STEPS, LOSS, rates, strict=True))])))


def test_a_clock_of_words_is_named_with_its_row(file):
    with pytest.raises(ValueError, match=r"no column of tokens.*text in column 'step' where a number should be: 50 rows, first row 2"):
        read_run(file("run.csv", ["step,loss", *(f"soon {s},{loss}" for s, loss in zip(STEPS, LOSS, strict=True))]))


@pytest.mark.parametrize("form", ["{s}/4000", "{s} of 4,000", "{k}k", "{k}K/4k"])
def test_counts_as_people_write_them(file, form):
    delimiter = ";" if "," in form else ","
    rows = [f"{form.format(s=s, k=s / 1000)}{delimiter}{loss}" for s, loss in zip(STEPS, LOSS, strict=True)]
    reading = same_losses(file("run.csv", [f"step{delimiter}loss", *rows]))
    assert any("step holds counts such as" in remark for remark in reading.remarks)
    assert reading.facts.get("total_steps") == (4000 if "4" in form else None)


@pytest.mark.parametrize(
    "header",
    [
        (",train,train,val", ",loss,lr,loss", "step,,,"),  # a data frame with two levels and a named index
        ("my results,,,", "step,train_loss,lr,val_loss"),  # a title
        (",Training,,Validation", "step,loss,lr,loss"),  # merged cells of a spreadsheet
        ("step,train_loss,lr,val_loss", "[k],[nats],,[nats]"),  # units below
    ],
)
def test_headers_of_several_lines_are_one(file, header):
    steps = STEPS / 1000 if "[k]" in header[1] else STEPS
    rows = [f"{s},9.0,{rate},{loss}" for s, loss, rate in zip(steps, LOSS, RATE, strict=True)]
    reading = same_losses(file("run.csv", [*header, *rows]))
    assert reading.lr is not None
    assert not reading.skipped


def test_losses_of_training_and_validation_in_rows_of_their_own(file):
    rows = [
        f"{s},{part},{loss},{rate}" for s, x, rate in zip(STEPS, LOSS, RATE, strict=True) for part, loss in (("train", 9.0), ("val", x))
    ]
    reading = same_losses(file("run.csv", ["step,phase,loss,lr", *rows]))
    assert (reading.loss, reading.lr) == ("val loss", "lr")


def test_a_validation_loss_that_is_carried_along_keeps_its_first_rows(file):
    rows = [f"{s},{9 - i / 100},{LOSS[i - i % 5]}" for i, s in enumerate(STEPS)]
    reading = same_losses(file("run.csv", ["step,train_loss,val_loss", *rows]), STEPS[::5], LOSS[::5], columns={"loss": "val_loss"})
    assert "val_loss is written 50 times and changes 10 times: its repeats are left out" in reading.remarks


def test_of_several_losses_those_not_followed_are_named(file):
    rows = [f"{s},{loss},{loss + 1},{loss + 2}" for s, loss in zip(STEPS, LOSS, strict=True)]
    reading = same_losses(file("run.csv", ["step,loss,loss,train_loss", *rows]))
    assert "loss (2), train_loss are not followed" in reading.remarks


@pytest.mark.parametrize(
    ("header", "followed", "reported"),
    [
        ("step,train,val", "val", "train, val are taken as the loss, as no column is named so"),
        ("step,avg,loss", "loss", "avg is not named a loss and not followed; --loss-column takes such a column"),
        ("step,aux_loss,loss", "loss", "aux_loss is not followed"),
    ],
)
def test_columns_that_may_be_losses_are_named(file, header, followed, reported):
    reading = same_losses(file("run.csv", [header, *(f"{s},9.0,{loss}" for s, loss in zip(STEPS, LOSS, strict=True))]))
    assert reading.loss == followed
    assert reported in reading.remarks


def test_a_rounded_validation_loss_keeps_its_rows(file):
    held = np.round(0.1 + 2 / STEPS, 2)
    rows = [f"{s},{9 - i / 100},{held[i]}" for i, s in enumerate(STEPS)]
    same_losses(file("run.csv", ["step,train_loss,val_loss", *rows]), STEPS, held)


def test_columns_that_change_their_order_are_refused_with_the_row(file):
    rows = [f"{loss},{s}" for s, loss in zip(STEPS[25:], LOSS[25:], strict=True)]
    first = [f"{s},{loss}" for s, loss in zip(STEPS[:25], LOSS[:25], strict=True)]
    with pytest.raises(ValueError, match=r"run\.csv, row 27: the columns change their order here \(loss, step\); split the file there"):
        read_run(file("run.csv", ["step,loss", *first, "loss,step", *rows]))


def test_rows_above_the_header_are_counted(file):
    reading = same_losses(
        file("run.csv", ["step,loss,lr", *ROWS[:10], "step,loss", *(f"{s},{x}" for s, x in zip(STEPS, LOSS, strict=True))])
    )
    assert reading.skipped == [{"reason": "above the header", "rows": 10, "first_row": 2}]
