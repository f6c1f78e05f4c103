"""One run, L = 2.2 + 15·s^-0.35 at fifty steps with a cosine rate, that the tests write in every kind of file and read again."""

import math

import numpy as np

from lightning_scaling.importers import Options, read_run

STEPS = np.arange(40, 2001, 40)
LOSS = np.round(2.2 + 15 * STEPS**-0.35, 5)
RATE = np.array([float(f"{6e-4 * min(s / 200, 0.5 + 0.5 * math.cos(math.pi * s / 4000)):.4e}") for s in STEPS])
ROWS = [f"{s},{loss:.5f},{rate:.4e}" for s, loss, rate in zip(STEPS, LOSS, RATE, strict=True)]
HEADER = "step,loss,lr"


def same_losses(path: str, steps=STEPS, loss=LOSS, digits: float = 1e-5, **options):
    """Read a file and compare its curve with the truth; the reading."""
    reading = read_run(path, Options(**options))
    np.testing.assert_allclose(reading.curve.tokens, steps, rtol=1e-9)
    np.testing.assert_allclose(reading.curve.loss, loss, rtol=digits)
    return reading


def lines(form: str) -> list[str]:
    """A log: a line of this form at every step."""
    return [
        form.format(s=int(s), s4=4 * int(s), s256=256 * int(s), k=int(s) / 1000, x=x, r=r)
        for s, x, r in zip(STEPS, LOSS, RATE, strict=True)
    ]
