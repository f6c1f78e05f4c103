"""`--at` in steps, tokens and epochs is one place of the run."""

import numpy as np
import pytest
from importers_truth import LOSS, STEPS

from lightning_scaling.importers import Options, read_run
from lightning_scaling.importers.reading import amount, place

BOTH = ["step,tokens_seen,epoch,loss", *(f"{s},{s * 4096},{s / 500},{x}" for s, x in zip(STEPS, LOSS, strict=True))]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("4000 steps", 4000 * 4096),
        ("4k steps", 4000 * 4096),
        ("16M tokens", 16e6),
        ("16e6", 16e6),
        ("8 epochs", 4000 * 4096),
        ("1000 steps", 1000 * 4096),
        ("4000", 4000 * 4096),
    ],
)
def test_any_unit_is_the_same_place_where_the_file_has_both(file, text, tokens):
    assert place(text, read_run(file("run.csv", BOTH)))[0] == pytest.approx(tokens)


def test_a_bare_number_that_can_only_be_steps_is_said_to_be_read_so(file):
    assert "is read as steps" in place("4000", read_run(file("run.csv", BOTH)))[1]


def test_steps_become_tokens_by_the_user_s_word(file):
    path = file("run.csv", ["step,loss", *(f"{s},{x}" for s, x in zip(STEPS, LOSS, strict=True))])
    reading = read_run(path, Options(tokens_per_step=512))
    assert [place(text, reading)[0] for text in ("4000", "4k steps", "2.048M tokens")] == [2_048_000] * 3


def test_epochs_are_counted_by_the_file_s_steps(file):
    lines = ["epoch,step,loss", *(f"{(s - 1) // 100},{s},{x}" for s, x in zip(STEPS, LOSS, strict=True))]
    at, _ = place("40 epochs", read_run(file("run.csv", lines)))
    np.testing.assert_allclose(at, 4000, rtol=0.05)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1M tokens", "--tokens-per-step"),
        ("5 epochs", "give --at in steps"),
        ("5 parsecs", "steps, tokens"),
        ("-3", "positive"),
        ("many", "positive"),
    ],
)
def test_what_cannot_be_placed_is_one_clear_line(file, text, why):
    path = file("run.csv", ["step,loss", *(f"{s},{x}" for s, x in zip(STEPS, LOSS, strict=True))])
    with pytest.raises(ValueError, match=why):
        place(text, read_run(path))


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [("10k", 1e4, None), ("1,000 steps", 1e3, "step"), ("1.5T tokens", 1.5e12, "tokens"), ("3epochs", 3, "epoch")],
)
def test_amounts_as_people_write_them(text, number, unit):
    assert amount(text) == (number, unit)
