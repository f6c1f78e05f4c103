"""Which of the losses that a log prints is followed, and that the others are named."""

import json

import numpy as np
import pytest
from importers_truth import LOSS, STEPS, lines, same_losses


@pytest.mark.parametrize(
    ("train", "held"),
    [
        ("iter {s}: loss {x:.5f}, time 1ms, mfu 3%", "step {s}: train loss 9.0000, val loss {x:.5f}"),
        ("step:{s}/4000 train_loss:9.0 train_time:1ms", "step:{s}/4000 val_loss:{x:.5f} train_time:1ms step_avg:1ms"),
        ("s:{s} trl:9.0 lr:0.1 norm:1", "s:{s} tel:{x:.5f}"),
        ("{s} train 9.0", "{s} val {x:.5f}"),
        ("step {s}/4000 | loss 9.0 | norm 1", "val loss {x:.5f}"),
        ("step {s} | loss: 9.0 | dt: 1ms", "validation loss: {x:.5f}"),
        (
            " iteration {s}/ 4000 | consumed samples: 5 | lm loss: 9.0E+00 |",
            " validation loss at iteration {s} | lm loss value: {x:.6E} | lm loss PPL: 9 |",
        ),
        (
            "Epoch 1 | iter 4 step {s} | loss train: 9.0, val: n/a | iter time: 1 ms",
            "Epoch 1 | iter 4 step {s} | loss train: 9.0, val: {x:.5f} |",
        ),
        ("step {s}/4000 (1%) | loss: 9.0 | dt: 4ms", "Step {s} | Validation bpb: {x:.5f}"),
    ],
)
def test_validation_losses_are_followed_where_there_are_enough(file, train, held):
    both = [line for pair in zip(lines(train), lines(held), strict=True) for line in pair]
    same_losses(file("train.log", both))


def test_five_validation_losses_are_not_taken_without_a_word(file):
    both = []
    for k, line in enumerate(lines("step {s} | loss {x:.5f}")):
        both += [line] + ([f"step {STEPS[k]} | val loss 9.0"] if k % 10 == 9 else [])
    reading = same_losses(file("train.log", both))
    assert any("val loss has 5 points only and is not followed" in remark for remark in reading.remarks)


@pytest.mark.parametrize(
    ("form", "followed", "reported"),
    [
        ("step {s} loss=9.0 (val={x:.5f})", "val loss", "loss (50 points) is not followed"),
        ("step {s} train_loss: 9.0 (val: {x:.5f})", "val loss", "train_loss (50 points) is not followed"),
        ("step {s} loss: train 9.0, val {x:.5f} | acc: train 0.1, val 0.2", "val loss", "train loss (50 points) is not followed"),
        ("step {s}: train/loss: 9.0, valid/loss: {x:.5f}", "valid/loss", "train/loss (50 points) is not followed"),
        ("step {s} | loss {x:.5f} (avg 9.0)", "loss", "avg loss is not followed"),
        ("step {s} | loss {x:.5f} | smoothed: 9.0", "loss", "smoothed loss is not followed"),
        ("step {s} ema_loss 9.0 loss {x:.5f}", "loss", "ema_loss is not followed"),
        ("step {s} | Loss {x:.5f} (9.0)", "Loss", "Loss (2) is not followed"),
        ("step {s} loss: {x:.5f}/9.0", "loss", "loss (2) is not followed"),
        ("step {s} loss: [{x:.5f}, 9.0]", "loss", "loss (2) is not followed"),
        ("step {s} loss {x:.5f} -> 9.0", "loss", "loss (2) is not followed"),
        ("step {s} loss {x:.5f} loss 9.0", "loss", "loss (2) is not followed"),
        ("step {s} z_loss 0.1 loss {x:.5f} aux_loss 0.1", "loss", "z_loss, aux_loss are not followed"),
    ],
)
def test_of_two_losses_in_a_line_the_other_is_named(file, form, followed, reported):
    reading = same_losses(file("train.log", lines(form)))
    assert reading.loss == followed
    assert reported in reading.lines()[2]
    assert reported in reading.to_json()["remarks"]
    assert reported in same_losses(file("train.jsonl", [json.dumps({"msg": line}) for line in lines(form)])).remarks


def test_a_count_behind_a_loss_is_no_second_loss(file):
    assert same_losses(file("train.log", lines("step {s} loss {x:.5f}/4k"))).remarks == []


def test_a_mean_of_another_number_is_no_loss(file):
    assert same_losses(file("train.log", lines("step {s} loss {x:.5f} acc 0.3 (avg 0.4) | 12 ms"))).remarks == []


def test_a_loss_of_cross_validation_is_followed(file):
    printed = [
        line for k, x in enumerate(LOSS) for line in (f"DEBUG TRAIN Batch {k}/100 loss 9.0 rank 0", f"INFO Epoch {k} CV info cv_loss {x}")
    ]
    assert same_losses(file("train.log", printed), np.arange(1, 51)).loss == "cv_loss"


def test_a_validation_loss_printed_again_with_fewer_digits_is_a_repeat(file):
    printed = []
    for k, line in enumerate(lines("iter {s4} step {s} | loss train: {x:.5f}, val: ")):
        printed += [line + f"{LOSS[k - k % 10]:.3f}"] + ([f"iter {4 * STEPS[k]}: val loss {LOSS[k]:.4f}"] if k % 10 == 9 else [])
    assert same_losses(file("train.log", printed)).loss == "loss train"
