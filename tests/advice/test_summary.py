"""The last lines of a run."""

import numpy as np
import pytest

from lightning_scaling import Curve, Prediction, RunRecord, advise
from lightning_scaling.advice.summary import end_of_run
from lightning_scaling.laws.presets.presets import preset

END = 100_000_000


def record(curve, **more):
    return RunRecord("key", curve, 6.0 * curve.params * curve.tokens, planned_tokens=END, ended=True, **more)


def test_it_states_what_was_spent(make_run):
    lines = end_of_run(record(make_run(params=1_000_000)))
    assert lines[0] == "spent 100M tokens, 6e14 FLOPs, 6.94e-6 PF-days (1M parameters, 100 tokens per parameter)"


def test_it_compares_the_end_with_the_forecast_at_half(make_run):
    run = make_run()
    end = float(run.loss[-1])
    made = [Prediction(tokens, END, end * off, end * 0.99, end * 1.01) for tokens, off in ((20_000_000, 1.2), (51_000_000, 1.004))]
    line = end_of_run(record(run, predictions=tuple(made)))[1]
    assert "the forecast at 51 % of the run" in line
    assert "−0.4 %, inside its interval" in line


def test_it_states_what_twice_the_data_and_the_best_size_would_give(make_run):
    lines = " ".join(end_of_run(record(make_run(params=1000)), law=preset("besiroglu2024").law))
    assert "twice the tokens would reach" in lines
    assert "the same compute in" in lines


def test_a_run_of_the_right_size_is_named_so(make_run):
    assert "the size was right" in end_of_run(record(make_run(params=2_000_000)), law=preset("besiroglu2024").law)[-1]


def test_a_run_without_a_finite_loss_still_ends_with_its_bill():
    curve = Curve([1e6, 2e6], [np.nan, np.nan], params=1000)
    assert end_of_run(record(curve))[1] == "no finite loss was logged"


def test_the_bill_is_for_all_that_was_trained_not_only_up_to_the_last_point(make_run):
    more = {"tokens_trained": 150_000_000, "flops_spent": 9 * 10**14}
    assert end_of_run(record(make_run(params=1_000_000), extra=more))[0].startswith("spent 150M tokens, 9e14 FLOPs")


def test_a_run_without_a_point_still_has_a_cost():
    empty = RunRecord("key", Curve([], [], params=1000), np.array([]), extra={"tokens_trained": 10**9, "flops_spent": 6 * 10**12})
    assert end_of_run(empty) == (
        "spent 1B tokens, 6e12 FLOPs, 6.94e-8 PF-days (1k parameters, 1M tokens per parameter)",
        "no finite loss was logged",
    )


@pytest.mark.parametrize("scale", [3.0, 0.01])
def test_a_published_law_is_not_quoted_outside_its_range(make_run, scale):
    lines = " ".join(end_of_run(record(make_run(params=1000, scale=scale))))
    assert "besiroglu2024" not in lines


def test_a_loss_below_zero_has_no_ratio(make_run):
    run = make_run()
    negative = Curve(run.tokens, run.loss - 10, run.step, run.schedule, run.params)
    made = Prediction(50_000_000, END, -6.8, -6.9, -6.7)
    line = end_of_run(record(negative, predictions=(made,)))[1]
    assert line == f"ended at −{10 - run.loss[-1]:.3f}"


def test_a_reversed_interval_is_printed_the_right_way_round(make_run):
    run = make_run()
    end = float(run.loss[-1])
    line = end_of_run(record(run, predictions=(Prediction(50_000_000, END, end, end * 1.01, end * 0.99),)))[1]
    assert "inside its interval" in line


def test_the_plateau_the_power_law_and_the_answer_about_data_are_lines(make_run):
    run = make_run("early", 1.0, share=3e-4, alpha=0.9, noise=1e-4)
    advice = advise(run, END)
    lines = end_of_run(record(run), advice=advice, power_law="L(C) = 1.69 + ...")
    assert "L(C) = 1.69 + ..." in lines
    assert str(advice.plateau) in lines
    assert any(line.startswith("keep adding data? NO") for line in lines)
