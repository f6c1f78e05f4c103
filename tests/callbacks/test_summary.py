"""The lines that end a run."""

import numpy as np

from lightning_scaling import Curve, Prediction, RunRecord, Schedule, advise, forecast
from lightning_scaling.callbacks.summary import halfway, summary


def record(predictions=()):
    tokens = np.arange(1, 41) * 1e6
    curve = Curve(tokens, 2 + 300 * tokens**-0.4, step=np.arange(1, 41), schedule=Schedule([0, 40], [1.0, 0.1]), params=1_000_000)
    return RunRecord("key", curve, curve.flops, predictions=tuple(predictions), planned_tokens=40_000_000)


def made(tokens, loss=2.31):
    return Prediction(tokens, 40_000_000, loss, loss - 0.05, loss + 0.05)


def test_what_was_spent_is_told_in_tokens_flops_and_pf_days():
    assert summary(record(), None)[0] == "spent 40M tokens, 2.4e+14 FLOPs, 2.78e-06 PF-days (1M parameters, 40 tokens per parameter)"


def test_the_end_is_held_against_the_forecast_made_at_half():
    lines = summary(record([made(5_000_000), made(20_000_000), made(30_000_000, 2.0)]), None)
    assert lines[1] == "val_loss ended at 2.273; the forecast made at 50% of the run was 2.31 (2.26 to 2.36), off by +1.6%"


def test_the_forecast_at_half_is_the_last_of_the_first_half():
    assert halfway(record([made(1), made(19_000_000), made(21_000_000)])).tokens == 19_000_000
    assert halfway(record([made(21_000_000)])) is None


def test_more_data_and_the_best_size_are_told_with_intervals():
    curve = record().curve
    lines = summary(record(), advise(curve, 40_000_000, forecast=forecast(curve, 40_000_000)))
    assert any(line.startswith("twice the data would end at ") for line in lines)
    assert any(line.startswith("a model of the best size would have reached ") for line in lines)


def test_a_run_without_a_point_tells_what_it_cost():
    empty = Curve([], [], params=1000)
    lines = summary(RunRecord("key", empty, np.array([]), extra={"tokens_trained": 10**9, "flops_spent": 6 * 10**12}), None)
    assert lines[0].startswith("spent 1B tokens, 6e+12 FLOPs, 6.94e-08 PF-days")
