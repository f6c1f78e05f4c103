"""Counts are read as people write them, or not at all."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightning_scaling.numbers import count, parse_count

WRITTEN = {
    "7B": 7e9,
    "7b": 7e9,
    "350M": 3.5e8,
    "1.4T": 1.4e12,
    "1.4 T tokens": 1.4e12,
    "10k": 1e4,
    ".5e9": 5e8,
    "5.e8": 5e8,
    "7e9": 7e9,
    "7E+9": 7e9,
    "7×10^9": 7e9,
    "7 × 10⁹": 7e9,
    "7x10^9": 7e9,
    "7·10^9": 7e9,
    "7*10**9": 7e9,
    "3.1 × 10⁻⁷": 3.1e-7,
    "10^23": 1e23,
    "10²³": 1e23,
    "1e23 FLOPs": 1e23,
    "1e23FLOP": 1e23,
    "2.5 ZFLOPs": 2.5e21,
    "300B tokens": 3e11,
    "1.4 trillion": 1.4e12,
    "7 billion parameters": 7e9,
    "7bn": 7e9,
    "7,000,000": 7e6,
    "1,234.5": 1234.5,
    "7_000": 7e3,
    "7 000 000": 7e6,
    "4,6302": 4.6302,
    "0,463": 0.463,
    "−5": -5.0,
    " 12 ": 12.0,
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_count_is_read_as_written(text):
    assert parse_count(text) == pytest.approx(WRITTEN[text], rel=1e-15)


@pytest.mark.parametrize(
    "text", ["", "many", "B", "nan", "inf", "5E", "50%", "3 PF-days", "1,2,3", "1.2.3", "10 10", "0x10", "1e9e9", "7 B B", "7×109", "1-2"]
)
def test_what_is_no_count_is_not_a_number(text):
    assert math.isnan(parse_count(text))


@given(st.integers(1, 10**15 - 1))
def test_a_count_that_was_written_for_people_is_read_again_to_three_digits(number):
    assert parse_count(count(number)) == pytest.approx(number, rel=0.0051)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_that_python_writes_is_read_exactly(number):
    assert parse_count(repr(number)) == number
