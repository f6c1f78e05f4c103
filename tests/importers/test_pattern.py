"""A line that the user gives reads any other log."""

import pytest
from importers_truth import LOSS, RATE, STEPS, same_losses

from lightning_scaling.importers.pattern import compiled


@pytest.mark.parametrize(
    ("pattern", "form"),
    [
        ("step {step} loss {loss} lr {lr}", "[a7] step {s}   loss {x} lr {r} ok"),
        ("{step};{};{loss}", "{s};12:30:11;{x}"),
        ("<{step}> ({loss})", "<{s}> ({x})"),
    ],
)
def test_the_numbers_are_where_the_braces_are(file, pattern, form):
    text = [form.format(s=s, x=x, r=r) for s, x, r in zip(STEPS, LOSS, RATE, strict=True)]
    reading = same_losses(file("my.log", ["hello", *text]), pattern=pattern)
    assert reading.skipped == [{"reason": "no match of the pattern", "rows": 1, "first_row": 1}]


@pytest.mark.parametrize(
    ("pattern", "why"), [("loss {loss}", "one of {step}"), ("{step} {los}", "{los}"), ("{step} {loss} {loss}", "twice")]
)
def test_a_pattern_that_cannot_work_names_its_fault(pattern, why):
    with pytest.raises(ValueError, match=why):
        compiled(pattern)
