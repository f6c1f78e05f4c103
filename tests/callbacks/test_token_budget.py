"""Planned tokens from the trainer's limits."""

import math
from types import SimpleNamespace

import pytest

from lightning_scaling.callbacks.lightning_trainer import Horizon


def trainer(**kwargs):
    limits = {
        "max_epochs": -1,
        "max_steps": -1,
        "num_training_batches": math.inf,
        "current_epoch": 0,
        "global_step": 10,
        "callbacks": [],
        "fit_loop": SimpleNamespace(batch_idx=9),
    }
    return SimpleNamespace(**(limits | kwargs))


def seen(batches=10, tokens=0, global_step=0):
    return Horizon(tokens, global_step, batches)


@pytest.mark.parametrize(
    ("limits", "planned"),
    [
        ({"max_epochs": 3, "num_training_batches": 20}, 6000),
        ({"max_steps": 40}, 4000),
        ({"max_epochs": 3, "num_training_batches": 20, "max_steps": 25}, 2500),
        ({"max_epochs": 1, "num_training_batches": 10}, 1000),
        ({}, None),
    ],
)
def test_ten_batches_of_a_hundred_tokens_are_extended_to_the_nearest_limit(limits, planned):
    assert seen().token_budget(trainer(**limits), 1000) == planned


def test_accumulated_batches_count_by_the_steps_they_make():
    assert seen(batches=40).token_budget(trainer(max_steps=20), 4000) == 8000


def test_a_resumed_fit_extends_what_it_has_seen_itself():
    """Ten batches of 200 tokens after 1 000 tokens of an earlier fit; ten steps are left."""
    assert seen(tokens=1000, global_step=10).token_budget(trainer(global_step=20, max_steps=30), 3000) == 5000


def test_a_time_limit_is_a_plan_too():
    timer = type("Timer", (), {"time_remaining": lambda self: 3.0})()
    horizon = seen()
    horizon.started -= 1e-9
    import time

    horizon.started = time.monotonic() - 1.0
    assert horizon.token_budget(trainer(callbacks=[timer]), 1000) == pytest.approx(4000, rel=0.01)


def test_nothing_trained_plans_nothing():
    assert seen(batches=0).token_budget(trainer(max_steps=10), 0) is None
