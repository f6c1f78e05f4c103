"""A forecast prints itself as a sentence and a small table."""

import numpy as np

from lightning_scaling import Curve, forecast

TOKENS = np.arange(1, 41) * 1e6
CURVE = Curve(TOKENS, 2 + (1e6 / TOKENS) ** 0.5)

GOLDEN = """\
No forecast at 10M tokens: there are fewer than six points after warm-up. The last level is 3.500.

tokens   loss  90 % interval
10M     3.500              –"""


def test_a_declined_forecast_prints_its_reason_and_the_last_level():
    assert str(forecast(Curve([1e6, 2e6, 3e6], [4.0, 3.5, 3.2]), 1e7)) == GOLDEN


def test_a_forecast_prints_loss_interval_and_outcome():
    lines = str(forecast(CURVE, [6e7, 8e7])).splitlines()
    assert lines[0].startswith("The loss is expected to be 2.11")
    assert lines[0].endswith("the loss ends in the lower half of this interval.")
    assert [line.split()[0] for line in lines[2:]] == ["tokens", "60M", "80M"]


def test_a_notebook_gets_the_same_cells_as_a_table():
    f = forecast(CURVE, 8e7, level=0.5)
    html = f._repr_html_()
    assert html.count("<tr>") == 2
    assert "50 % interval" in html
    assert str(f).splitlines()[-1].split()[1] in html
