"""Approach 1: the envelope of curves, its interval, and what undecayed learning rates do to it."""

import numpy as np

from lightning_scaling import Curve
from lightning_scaling.laws import Surface, envelope

LAW = Surface(1.69, 406.4, 410.7, 0.34, 0.28)
SIZES = np.geomspace(1e7, 1e9, 9)


def curves(lengths: tuple[float, ...] = (40.0,), lag: float = 0.0) -> list[Curve]:
    """One curve a size and length (tokens per parameter); `lag` is the relative excess far from its end."""
    made = []
    for size in SIZES:
        for ratio in lengths:
            tokens = np.geomspace(0.02 * ratio * size, ratio * size, 60)
            loss = LAW.predict(size, tokens) * (1 + lag * (1 - tokens / tokens[-1]))
            made.append(Curve(tokens, loss, params=int(size)))
    return made


def test_the_order_of_the_curves_does_not_matter() -> None:
    given = curves()
    there, back = envelope(given), envelope(given[::-1])
    assert there.growth is not None
    assert back.growth is not None
    assert there.growth.N_exponent == back.growth.N_exponent
    assert there.growth.N_exponent_interval == back.growth.N_exponent_interval


def test_curves_that_follow_the_law_to_every_length_give_its_exponent() -> None:
    growth = envelope(curves()).growth
    assert growth is not None
    assert abs(growth.N_exponent - LAW.N_exponent) < 0.05


def test_undecayed_learning_rates_are_stated_with_their_effect() -> None:
    found = envelope(curves((5.0, 10.0, 20.0, 40.0, 80.0), lag=0.05))
    assert "by the ends alone" in found.because
    assert "several lengths" in envelope(curves()).because


def test_sizes_too_few_to_resample_give_no_interval() -> None:
    found = envelope(curves()[::2][:4])
    assert found.growth is not None
    assert np.isnan(found.growth.N_exponent_interval).all()
