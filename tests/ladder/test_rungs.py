"""The ladder that is declared: its sizes, its tokens, its order."""

import pytest

from lightning_scaling.ladder.gpt import GPT
from lightning_scaling.ladder.rungs import PRESETS, make_ladder

DEMO = PRESETS["demo"]


def test_at_least_six_sizes_over_at_least_a_factor_twelve():
    assert len(DEMO.rungs) >= 6
    assert DEMO.rungs[-1].params / DEMO.rungs[0].params >= 12


@pytest.mark.parametrize("rung", DEMO.rungs, ids=lambda rung: rung.name)
def test_every_rung_sees_about_thirty_tokens_per_parameter(rung):
    assert rung.tokens / rung.params == pytest.approx(26, rel=0.02)


def test_parameters_are_those_counted_by_hand():
    # width 16: embedding 256·16; a block: qkv 16·48, out 16·16, up 16·64, down 64·16
    assert make_ladder().rungs[0].params == 256 * 16 + 3 * (16 * 48 + 16 * 16 + 16 * 64 + 64 * 16)


@pytest.mark.parametrize("rung", DEMO.rungs[:3], ids=lambda rung: rung.name)
def test_the_model_has_the_declared_parameters(rung):
    assert sum(p.numel() for p in GPT(rung.width, rung.depth, rung.context).parameters()) == rung.params


@pytest.mark.parametrize("rung", DEMO.runs, ids=lambda rung: rung.name)
def test_the_last_step_validates(rung):
    assert rung.steps % rung.evaluations == 0
    assert rung.validate_every * rung.evaluations == rung.steps


def test_only_smaller_rungs_are_siblings():
    size = {rung.name: rung.params for rung in DEMO.rungs}
    assert all(size[name] < rung.params for rung in DEMO.runs for name in rung.after)


def test_the_two_largest_learn_from_finished_rungs():
    assert all(len(rung.after) >= 2 for rung in DEMO.rungs[-2:])


def test_runs_of_other_lengths_vary_tokens_per_parameter():
    ratios = sorted(rung.tokens / rung.params for rung in DEMO.lengths)
    assert ratios == pytest.approx([26 / 4, 26 * 3], rel=0.1)


def test_another_recipe_has_another_digest():
    assert make_ladder().digest != make_ladder(tokens_per_param=20).digest


@pytest.mark.parametrize("widths", [(), (24, 16), (16, 20)], ids=["none", "falling", "not multiples of 8"])
def test_widths_that_make_no_ladder_are_refused(widths):
    with pytest.raises(ValueError, match="widths must rise and be multiples of 8"):
        make_ladder(widths=widths)


def test_a_length_of_a_width_outside_the_ladder_is_refused():
    with pytest.raises(ValueError, match="64 is none of"):
        make_ladder(widths=(16, 24), lengths=((64, 2.0),))
