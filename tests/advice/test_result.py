"""An advice prints itself: golden texts."""

import numpy as np

from lightning_scaling import advise
from lightning_scaling.advice import AddData, Advice, Option, PlateauCall, Reason, Verdict

OPTIONS = (
    Option("decay now", "let the rate fall linearly to zero over the next 600M tokens", 3.497, 3.49, 3.502, 0.001, 6e8, 3.6e12),
    Option("grow", "train 1.2M parameters on 3.3M tokens from nothing", 3.1, 3.0, 3.2, 0.11, 3.3e6, None, basis="4 siblings"),
)
ADVICE = Advice(
    Verdict.DECAY_NOW,
    Reason.FLAT_AT_THIS_RATE,
    "until 4B tokens the loss is expected to fall by 0.03 %",
    plateau=PlateauCall(2e9, 3e-4, 8e-4, 2e9, 1.2e13),
    compare=lambda: OPTIONS,
    weigh_data=lambda: (AddData.NO, "8B tokens are expected to end at 3.494, 4B at 3.501: 0.2 % lower, where 1 % counts"),
)
TEXT = """\
DECAY_NOW: decay the learning rate now. until 4B tokens the loss is expected to fall by 0.03 %
plateau: the rest of the budget is expected to bring 0.03 % (at most 0.08 %) for 1.39e-7 PF-days
Add data? NO: 8B tokens are expected to end at 3.494, 4B at 3.501: 0.2 % lower, where 1 % counts

option     ends at              gain   tokens  PF-days  how
decay now  3.497 (3.490–3.502)  0.1 %  600M    4.17e-8  let the rate fall linearly to zero over the next 600M tokens
grow       3.100 (3.000–3.200)  11 %   3.3M    –        train 1.2M parameters on 3.3M tokens from nothing (by 4 siblings)"""


def test_str_is_sentences_and_a_small_table():
    assert str(ADVICE) == TEXT


def test_html_holds_the_same():
    html = ADVICE._repr_html_()
    assert html.startswith("<p>DECAY_NOW: decay the learning rate now.")
    assert "<tr><th>option</th><th>ends at</th><th>gain</th><th>tokens</th><th>PF-days</th><th>how</th></tr>" in html
    assert html.count("<tr>") == 3


def test_html_escapes_what_it_prints():
    assert "<b>" not in Advice(Verdict.CONTINUE, Reason.STILL_GAINING, "<b>")._repr_html_()


def test_a_gain_without_bounds_has_no_digits():
    far = Option("continue", "", 1e-9, 0.0, 1.0, 3407425415383604.0, 1e9, None)
    assert "far off" in str(Advice(Verdict.CONTINUE, Reason.STILL_GAINING, "x", compare=lambda: (far,)))


def test_a_real_advice_prints_without_arrays(make_run):
    text = str(advise(make_run(until=0.6), 1e8))
    assert "array(" not in text
    assert text.startswith("CONTINUE: continue as planned. at 60 % of the token budget")
    assert np.all([len(line) < 400 for line in text.splitlines()[:1]])


def test_an_option_that_cannot_be_extrapolated_states_no_end():
    unknown = Option("as much again", "train on", 3.8, float("nan"), float("nan"), 0.0, 1e9, None)
    assert "not known yet  –" in str(Advice(Verdict.STOP, Reason.TURNED_UP, "x", compare=lambda: (unknown,)))
