"""The last lines of a run."""

import numpy as np

from lightning_scaling import Curve, Prediction, RunRecord
from lightning_scaling.advice.summary import end_of_run

END = 100_000_000


def record(curve, **more):
    return RunRecord("key", curve, 6.0 * curve.params * curve.tokens, planned_tokens=END, ended=True, **more)


def test_it_says_what_was_spent(make_run):
    lines = end_of_run(record(make_run(params=1_000_000)))
    assert lines[0] == "spent 100M tokens, 6e+14 FLOPs, 6.94e-6 PF-days (1M parameters, 100 tokens per parameter)"


def test_it_compares_the_end_with_the_forecast_at_half(make_run):
    run = make_run()
    end = float(run.loss[-1])
    made = [Prediction(tokens, END, end * off, end * 0.99, end * 1.01) for tokens, off in ((20_000_000, 1.2), (51_000_000, 1.004))]
    line = end_of_run(record(run, predictions=tuple(made)))[1]
    assert "the forecast at 51 % of the run" in line
    assert "−0.4 %, inside its interval" in line


def test_it_says_what_twice_the_data_and_the_best_size_would_give(make_run):
    lines = " ".join(end_of_run(record(make_run(params=1000)), law="besiroglu2024"))
    assert "twice the data would reach" in lines
    assert "the same compute in" in lines


def test_a_run_of_the_right_size_is_told_so(make_run):
    assert "the size was right" in end_of_run(record(make_run(params=2_000_000)), law="besiroglu2024")[-1]


def test_a_run_without_a_finite_loss_still_ends_with_its_bill():
    curve = Curve([1e6, 2e6], [np.nan, np.nan], params=1000)
    assert end_of_run(record(curve))[1] == "no finite loss was logged"


def test_the_bill_is_for_all_that_was_trained_not_only_up_to_the_last_point(make_run):
    more = {"tokens_trained": 150_000_000, "flops_spent": 9 * 10**14}
    assert end_of_run(record(make_run(params=1_000_000), extra=more))[0].startswith("spent 150M tokens, 9e+14 FLOPs")


def test_a_run_without_a_point_tells_what_it_cost():
    empty = RunRecord("key", Curve([], [], params=1000), np.array([]), extra={"tokens_trained": 10**9, "flops_spent": 6 * 10**12})
    assert end_of_run(empty) == (
        "spent 1B tokens, 6e+12 FLOPs, 6.94e-8 PF-days (1k parameters, 1e+06 tokens per parameter)",
        "no finite loss was logged",
    )
