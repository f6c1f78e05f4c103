"""C = 6ND and the PF-day, against numbers worked by hand in the literature."""

import numpy as np
import pytest

from lightning_scaling import pf_days, training_flops


def test_a_thousand_parameters_at_a_billion_tokens_cost_7e_minus_8_pf_days():
    assert training_flops(1_000, 10**9) == 6 * 10**12
    assert pf_days(6 * 10**12) == pytest.approx(6.94e-8, rel=1e-3)


def test_counts_stay_exact_integers_beyond_float_precision():
    assert training_flops(10**11 + 1, 10**13 + 1) == 6 * (10**11 + 1) * (10**13 + 1)


def test_baichuan_2_seven_billion_at_1e23_flops_is_2_38_trillion_tokens():
    assert 1e23 / training_flops(7e9, 1) == pytest.approx(2.38e12, rel=1e-3)


def test_arrays_broadcast():
    assert training_flops(np.array([1.0, 2.0]), 10.0).tolist() == [60.0, 120.0]
