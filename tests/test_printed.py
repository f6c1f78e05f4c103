"""Results print themselves: a sentence and a small table, the same in a terminal and in a notebook."""

import html
import re

import numpy as np
import pytest

import lightning_scaling as ls

TOKENS = np.geomspace(1e6, 1e9, 30)
CURVE = ls.Curve(TOKENS, 1.7 + (1e7 / TOKENS) ** 0.3, step=TOKENS / 1e5, params=10**6)
SIZES, LENGTHS = (each.ravel() for each in np.meshgrid([1e7, 3e7, 1e8], [2e8, 1e9, 5e9]))
LOSSES = 1.7 + 400 / SIZES**0.34 + 410 / LENGTHS**0.28


def test_a_curve():
    assert str(CURVE) == (
        "A curve of 30 points of a model of 1M parameters: loss 3.695 to 1.951, without a learning-rate schedule.\n\n"
        "tokens   loss  step\n"
        "1M      3.695    10\n"
        "4.18M   3.000  41.8\n"
        "17.4M   2.546   174\n"
        "57.4M   2.292   574\n"
        "240M    2.086  2.4k\n"
        "1B      1.951   10k"
    )


def test_a_schedule():
    assert str(ls.Schedule.cosine(1000, 3e-4, warmup=100)) == (
        "A learning-rate schedule of 1k steps: 0 at its start, at most 3e-4, 3e-5 at its end."
    )


def test_a_record():
    assert str(ls.RunRecord("k", CURVE, CURVE.flops, name="first")) == (
        "Run first, running: loss 1.951 after 1B tokens.\n\n"
        "parameters  tokens  FLOPs  PF-days   loss\n"
        "1M              1B   6e15  6.94e-5  1.951"
    )


def test_a_frontier():
    fit = ls.fit_frontier([1e15, 1e16, 1e17, 1e18], [1.5 + (1e14 / c) ** 0.2 for c in (1e15, 1e16, 1e17, 1e18)])
    assert str(fit).splitlines()[0].startswith("L(C) = 1.5")
    assert re.search(r"^floor +1\.500 +", str(fit), flags=re.MULTILINE)


def test_a_power_law_is_one_line():
    assert str(ls.fit_power_law(CURVE)) == "L(C) = 1.700 + (6.94e-7 PF-days / C)^0.3, R² 1.0000"


def test_a_larger_run():
    lines = str(ls.predict_larger(SIZES, LENGTHS, LOSSES, [1e9, 2e9], 2e10)).splitlines()
    assert lines[0].startswith("2 planned runs: predicted from the smaller runs")
    assert lines[2].split() == ["times", "the", "compute", "loss", "90", "%", "interval"]
    assert [line.split()[0] for line in lines[3:]] == ["40", "80"]


def test_a_monitor_before_during_and_after():
    with ls.RunMonitor(params=10**6, token_budget=4e9, overhead=float("inf")) as run:
        assert str(run) == "A monitor whose run has no validation yet."
        for tokens, loss in zip(np.diff(TOKENS, prepend=0.0), CURVE.loss, strict=True):
            run.step(tokens=int(tokens), lr=1e-3)
            run.validated(float(loss))
        during = str(run)
    assert re.search(r", running: loss 1\.951 after 1B tokens\. [A-Z_]+: ", during)
    assert during.splitlines()[2].split()[-4:] == ["expected", "to", "end", "at"]
    assert "1.951" in str(run)


@pytest.mark.parametrize(
    "result",
    [
        CURVE,
        ls.Schedule.cosine(1000),
        ls.RunRecord("<script>", CURVE, CURVE.flops),
        ls.forecast(CURVE, 4e9),
        ls.advise(CURVE, 4e9),
        ls.fit_power_law(CURVE),
        ls.fit_frontier([1e15, 1e16, 1e17], [4.0, 3.2, 2.56]),
        ls.fit_surface(SIZES, LENGTHS, LOSSES),
        ls.predict_larger(SIZES, LENGTHS, LOSSES, 1e9, 2e10),
        ls.RunMonitor(params=1000),
    ],
    ids=lambda result: type(result).__name__,
)
def test_a_notebook_shows_the_same(result):
    shown = result._repr_html_()
    assert "<script>" not in shown
    words = html.unescape(re.sub(r"<[^>]+>", " ", shown)).split()
    assert words[:3] == str(result).split()[:3]
    assert len(words) > 7
