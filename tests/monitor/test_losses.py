"""Which loss is followed, and how a training loss is smoothed without waiting for the device."""

import math

import pytest
import torch

from lightning_scaling.monitor.losses import Cadence, TrainingLoss, missing, resolve


@pytest.mark.parametrize(
    ("wanted", "logged", "found"),
    [
        ("val_loss", ["train_loss", "val_loss"], "val_loss"),
        ("val_loss", ["train_loss", "val/loss"], "val/loss"),
        ("val_loss", ["valid_loss", "val/loss"], "val/loss"),
        ("val_loss", ["train_loss"], None),
        ("val_loss/dataloader_idx_1", ["val_loss/dataloader_idx_0", "val_loss/dataloader_idx_1"], "val_loss/dataloader_idx_1"),
        ("perplexity", ["val_loss"], None),
    ],
)
def test_the_followed_loss_is_the_one_meant(wanted, logged, found):
    assert resolve(wanted, logged) == found


def test_a_missing_loss_names_what_there_is():
    assert missing("val_loss", ["b", "a"]).startswith("the validation logged no 'val_loss' but 'a', 'b'")


def test_the_training_loss_is_the_mean_since_the_last_reading():
    losses = TrainingLoss()
    for value in (1.0, 2.0, 6.0):
        losses.add(torch.tensor(value))
    assert losses.read() == 3.0
    losses.add(torch.tensor(5.0))
    assert losses.read() == 5.0


def test_losses_that_were_divided_are_multiplied_by_what_they_were_divided_by():
    accumulated = 2
    losses = TrainingLoss(divided=lambda: accumulated)
    losses.add(torch.tensor(1.0))
    losses.settle()
    accumulated = 4
    losses.add(torch.tensor(1.0))
    assert losses.read() == 3.0


def test_a_loss_that_changes_after_its_step_is_copied_where_that_is_said():
    losses, loss = TrainingLoss(copy=True), torch.tensor(1.0, requires_grad=True)
    losses.add(loss)
    with torch.no_grad():
        loss.fill_(9.0)
    assert losses.read() == 1.0


def test_the_sum_leaves_the_step_s_own_loss_alone_and_keeps_half_precision_exact():
    losses, loss = TrainingLoss(), torch.tensor(1.0, dtype=torch.bfloat16)
    for _ in range(1000):
        losses.add(loss)
    assert loss == 1.0
    assert losses.read() == 1.0


def test_without_a_loss_there_is_nothing_to_read():
    losses = TrainingLoss()
    losses.add(None)
    assert math.isnan(losses.read())


def test_a_long_run_is_read_a_few_hundred_times():
    cadence = Cadence()
    assert 300 < sum(cadence.due() for _ in range(1_000_000)) < 600


def test_nothing_is_read_twice():
    cadence = Cadence()
    assert not cadence.read()
    cadence.due()
    assert cadence.read()
    assert not cadence.read()
