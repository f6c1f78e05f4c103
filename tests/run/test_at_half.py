"""The forecast at half of a run, and its check against the observed end."""

from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling.run.at_half import checked, forecast_at_half
from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import Prediction, RunRecord

MADE = tuple(Prediction(tokens, 1000, 2.0 + tokens / 1e5, 1.9, 2.1) for tokens in (100, 300, 450, 520, 700, 900))
RUN = RunRecord("k", Curve([500.0, 1000.0], [2.5, 2.01], params=10), np.ones(2), planned_tokens=1000, predictions=MADE, ended=True)


def test_the_forecast_at_half_is_the_one_made_nearest_to_half_of_the_budget() -> None:
    assert forecast_at_half(RUN) is MADE[3]


@pytest.mark.parametrize("kept", [MADE[:2], MADE[4:], ()])
def test_forecasts_made_far_from_half_do_not_count(kept: tuple[Prediction, ...]) -> None:
    assert forecast_at_half(replace(RUN, predictions=kept)) is None


def test_a_forecast_without_a_number_does_not_count() -> None:
    silent = replace(MADE[3], loss=float("nan"))
    assert forecast_at_half(replace(RUN, predictions=(MADE[2], silent))) is MADE[2]


def test_the_error_is_the_forecast_over_the_observed_loss() -> None:
    check = checked(RUN, MADE[3])
    assert check is not None
    assert check.error == pytest.approx(MADE[3].loss / 2.01 - 1)
    assert check.inside


def test_a_run_that_ended_before_the_tokens_of_its_forecast_is_not_checked() -> None:
    short = replace(RUN, curve=Curve([500.0, 900.0], [2.5, 2.05], params=10))
    assert checked(short, MADE[3]) is None
    assert checked(RUN, None) is None
