"""Resumes are joined, rows sorted, repeats merged, and two runs in one file are separated or refused."""

import numpy as np
import pytest
from importers_truth import HEADER, LOSS, ROWS, STEPS, same_losses

from lightning_scaling.importers import Options, gather, read_run, source


def remarks(reading) -> str:
    return "; ".join(reading.remarks)


def test_what_a_resumed_run_trained_again_replaces_the_rows_before(file):
    again = [f"{s},{x + 0.5},1e-4" for s, x in zip(STEPS[25:30], LOSS[25:30], strict=True)]
    reading = same_losses(file("run.csv", [HEADER, *ROWS[:25], *again, *ROWS[25:]]))
    assert "resumed at row 32 from 1040 steps" in remarks(reading)


def test_a_resume_on_another_grid_leaves_no_row_of_the_lost_steps(file):
    lost = ["1005,9.0,1e-4", "1015,9.0,1e-4", "1025,9.0,1e-4"]
    same_losses(file("run.csv", [HEADER, *ROWS[:25], *lost, *ROWS[23:]]))


def test_a_counter_that_begins_again_is_counted_on_where_the_loss_continues(file):
    second = [f"{s - 1000},{row.split(',', 1)[1]}" for s, row in zip(STEPS[25:], ROWS[25:], strict=True)]
    reading = same_losses(file("run.csv", [HEADER, *ROWS[:25], *second]))
    assert "counted on from 1000" in remarks(reading)
    assert reading.curve.schedule is not None
    assert reading.curve.schedule.end == 2000


def test_a_start_that_crashed_is_left_out(file):
    crashed = [f"{s},{x + 0.3},1e-4" for s, x in zip(STEPS[:6], LOSS[:6], strict=True)]
    assert "training started anew at row 8" in remarks(same_losses(file("run.csv", [HEADER, *crashed, *ROWS])))


def test_two_runs_one_behind_the_other_are_refused_with_the_row(file):
    with pytest.raises(ValueError, match="row 52: steps begin again at 40"):
        read_run(file("run.csv", [HEADER, *ROWS, *ROWS]))


@pytest.mark.parametrize("order", [np.arange(50)[::-1], np.random.default_rng(0).permutation(50)])
def test_rows_without_order_are_sorted(file, order):
    assert "were sorted" in remarks(same_losses(file("run.csv", [HEADER, *(ROWS[i] for i in order)])))


def test_a_single_row_out_of_place_is_sorted(file):
    rows = ROWS.copy()
    rows[20], rows[21] = rows[21], rows[20]
    assert "row 23 was out of order" in remarks(same_losses(file("run.csv", [HEADER, *rows])))


def test_rows_of_one_step_logged_together_are_averaged(file):
    apart = [(-0.1, 0.1), (0.1, -0.1)] * 25  # ranks scatter: now one is above, now the other
    both = [f"{s},{x + d},1e-4" for s, x, pair in zip(STEPS, LOSS, apart, strict=True) for d in pair]
    assert "50 rows with a repeated step merged" in remarks(same_losses(file("run.csv", [HEADER, *both])))


@pytest.mark.parametrize("column", ["run", "run_name", "seed"])
def test_two_runs_are_split_by_their_column(file, column):
    path = file("runs.csv", [f"{column},{HEADER}", *(f"3,{row}" for row in ROWS), *(f"7,{row}" for row in ROWS)])
    same_losses(path, run="7")
    with pytest.raises(ValueError, match="holds 2 runs: '3', '7'; choose one with --run"):
        read_run(path)


def test_a_column_of_any_name_tells_runs_apart(file):
    path = file("runs.csv", [f"host,{HEADER}", *(f"a,{row}" for row in ROWS), *(f"b,{row}" for row in ROWS)])
    same_losses(path, run="b", run_column="host")


def test_charts_of_several_runs_are_split_by_their_names(file):
    lines = ['"Step","small - train/loss","small - train/loss__MIN","large - train/loss"']
    path = file("chart.csv", [*lines, *(f'"{s}","{x}","{x}","{x - 1}"' for s, x in zip(STEPS, LOSS, strict=True))])
    assert same_losses(path, run="small").kind == "W&B's chart CSV"
    same_losses(path, loss=LOSS - 1, run="large")
    path = file(
        "swept.csv", ['"Step","lr-sweep - grad_norm","lr-sweep - train/loss"', *(f"{s},1,{x}" for s, x in zip(STEPS, LOSS, strict=True))]
    )
    assert same_losses(path).lr is None


@pytest.mark.parametrize("header", ["step,125M,1.3B", "step,val_loss_125M,val_loss_1.3B"])
def test_columns_named_by_the_size_of_their_run_are_runs(file, header):
    path = file("wide.csv", [header, *(f"{s},{x},{x - 0.4}" for s, x in zip(STEPS, LOSS, strict=True))])
    assert same_losses(path, loss=LOSS - 0.4, run="1.3B").curve.params == 1_300_000_000
    with pytest.raises(ValueError, match=r"holds 2 runs: '125M', '1\.3B'"):
        read_run(path)


def test_one_metric_a_row_becomes_one_column_a_metric(file):
    lines = ["run_uuid,key,value,step,timestamp,is_nan"]
    for row in ROWS:
        s, x, r = row.split(",")
        lines += [f"ab12,train_loss,{x},{s},1700,False", f"ab12,lr,{r},{s},1700,False"]
    assert same_losses(file("metrics.csv", lines)).lr == "lr"
    named = [line.replace("run_uuid", "run.hash").replace("key", "metric.name") for line in lines]
    assert same_losses(file("aim.csv", named)).lr == "lr"


def test_options_name_a_run_that_is_there(file):
    with pytest.raises(ValueError, match="no run '9'"):
        read_run(file("runs.csv", [f"run,{HEADER}", *(f"3,{row}" for row in ROWS)]), Options(run="9"))


@pytest.mark.parametrize("runs", [2, 3])
def test_runs_written_in_turn_are_refused_and_read_by_the_column_that_names_them(file, runs):
    rows = (f"{'abc'[k]},{s},{loss + 0.05 * k}" for s, loss in zip(STEPS, LOSS, strict=True) for k in range(runs))
    path = file("run.csv", ["cfg,step,loss", *rows])
    with pytest.raises(ValueError, match=rf"run.csv, row 2: each step has {runs} rows .* --run-column"):
        read_run(path)
    same_losses(path, run_column="cfg", run="a")


def test_runs_written_in_turn_are_refused_in_a_long_file_too(file, monkeypatch):
    for module, name, value in ((gather, "HELD", 1000), (gather, "MOST", 250), (gather, "BEGIN", 500), (source, "BLOCK", 4096)):
        monkeypatch.setattr(module, name, value)
    rows = (f"{s},{2 + 30 / (s + 100) ** 0.5 + k}" for s in range(1, 2001) for k in range(2))
    with pytest.raises(ValueError, match="each step has 2 rows"):
        read_run(file("run.csv", ["step,loss", *rows]))


def test_rows_of_ranks_are_one_run(file):
    noise = 0.01 * np.random.default_rng(0).standard_normal((len(STEPS), 2))
    rows = [f"{s},{loss + n:.5f}" for s, loss, both in zip(STEPS, LOSS, noise, strict=True) for n in both]
    reading = read_run(file("run.csv", ["step,loss", *rows]))
    np.testing.assert_allclose(reading.curve.loss, LOSS + noise.mean(axis=1), atol=1e-5)


def test_devices_far_apart_are_runs(file):
    rows = [f"{s},{k},{loss + k}" for s, loss in zip(STEPS, LOSS, strict=True) for k in range(2)]
    path = file("run.csv", ["step,gpu,loss", *rows])
    with pytest.raises(ValueError, match="2 runs written in turn"):
        read_run(path)
    same_losses(path, run_column="gpu", run="0")


@pytest.mark.parametrize("column", ["rank", "local_rank"])
def test_ranks_of_a_column_are_averaged_however_far_apart(file, column):
    rows = [f"{s},{k},{loss + k - 1.5}" for s, loss in zip(STEPS, LOSS, strict=True) for k in range(4)]
    assert f"4 ranks by {column}: their mean is followed" in remarks(same_losses(file("run.csv", [f"step,{column},loss", *rows])))
    behind = [f"{s},{k},{loss + k - 1.5}" for k in range(4) for s, loss in zip(STEPS, LOSS, strict=True)]
    same_losses(file("behind.csv", [f"step,{column},loss", *behind]))


def test_of_ranks_that_resumed_the_lowest_is_followed(file):
    rows = [f"{s},{k},{loss + k}" for k in range(2) for s, loss in zip([*STEPS[:30], *STEPS[25:]], [*LOSS[:30], *LOSS[25:]], strict=True)]
    assert "2 ranks by rank: rank 0 is followed" in remarks(same_losses(file("run.csv", ["step,rank,loss", *rows])))


def test_rows_that_differ_by_a_little_throughout_are_ranks_with_a_word(file):
    rows = [f"{s},{loss * (1 + d)}" for s, loss in zip(STEPS, LOSS, strict=True) for d in (-0.002, 0.002)]
    reading = same_losses(file("run.csv", ["step,loss", *rows]))
    assert "each step has 2 rows that differ by 0.4 % throughout" in remarks(reading)
    assert "--run-column" in remarks(reading)
