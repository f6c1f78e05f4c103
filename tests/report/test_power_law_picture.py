"""The power law of one run, the mark of its plateau and the answer about more data, where a reader of the report looks."""

from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling import Curve, fit_power_law
from lightning_scaling.report import run_page
from lightning_scaling.report.figures import power_law_panel
from lightning_scaling.report.power_law import power_law_line, power_law_words
from lightning_scaling.run.readings import add_data_entry, plateau_entry
from lightning_scaling.run.record import RunRecord, RunState


def named(axes, gid):
    return [artist for artist in axes.get_children() if artist.get_gid() == gid]


@pytest.fixture
def falling():
    """L = 2 + (1e12/C)^.3 to 2M tokens of a budget of 4M."""
    tokens = np.geomspace(1e4, 2e6, 40).round()
    curve = Curve(tokens, 2 + (1e12 / (6e5 * tokens)) ** 0.3, params=100_000)
    return RunRecord("k", curve, curve.flops, planned_tokens=4_000_000, name="falling", state=RunState.RUNNING)


def test_the_law_lies_on_the_curve_over_a_logarithmic_axis_of_compute(falling):
    axes = power_law_panel(falling).axes[0]
    (law,) = named(axes, "power-law")
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel() == "training compute C (FLOPs)"
    flops, loss = law.get_data()
    assert (flops[0], flops[-1]) == pytest.approx((falling.flops[0], falling.flops[-1]))
    assert loss == pytest.approx(2 + (1e12 / flops) ** 0.3, rel=2e-3)


def test_the_words_are_those_of_the_public_fit_and_state_what_it_is_not(falling):
    words = power_law_words(falling)
    assert words[0] == str(fit_power_law(falling))
    assert "90 % intervals: floor" in words[1]
    assert "forecast knows the schedule" in words[2]
    assert len(power_law_words(replace(falling, ended=True))) == 2


@pytest.mark.slow
def test_a_curve_without_a_law_states_why(falling):
    short = replace(falling, curve=falling.curve.take(slice(3)), flops=falling.flops[:3])
    flat = replace(falling, curve=replace(falling.curve, loss=np.full(40, 3.0)))
    for run, reason in ((short, "fewer than five"), (flat, "does not fall"), (replace(falling, flops=np.full(40, np.nan)), "not known")):
        assert reason in power_law_words(run)[0]
        assert power_law_line(run) is None
        assert reason in run_page(run)
        power_law_panel(run).canvas.draw()


def test_a_plateau_is_marked_on_the_curve(falling):
    assert not named(power_law_panel(falling).axes[0], "plateau")
    called = replace(falling, extra=plateau_entry(1_000_000, 600_000_000_000, "plateau: the rest brings .04 %"))
    (mark,) = named(power_law_panel(called).axes[0], "plateau")
    assert mark.get_xdata()[0] == 600_000_000_000
    assert "Plateau</b> the rest brings .04 %" in run_page(called)


@pytest.mark.slow
def test_whether_to_add_data_stands_on_the_page_of_the_run(falling):
    assert "Keep adding data?" not in run_page(falling)
    page = run_page(replace(falling, extra=add_data_entry("NOT_KNOWN", "the trend <b>is</b> short")))
    assert "Keep adding data?</b> not known: the trend &lt;b&gt;is&lt;/b&gt; short" in page


def test_what_another_program_wrote_into_extra_is_no_reading(falling):
    odd = replace(falling, extra={"plateau": "yes", "add_data": [1]})
    assert "Keep adding data?" not in run_page(odd)
    assert "plateau" not in run_page(replace(falling, extra={"plateau": {"tokens": "many"}})).split("</style>")[1]
