"""The ladder that is declared: its sizes, its tokens, its order."""

import pytest

from lightning_scaling.ladder.cells import PRESETS, make_ladder
from lightning_scaling.ladder.gpt import GPT

DEMO = PRESETS["demo"]


def test_at_least_six_sizes_over_at_least_a_factor_twelve():
    assert len(DEMO.cells) >= 6
    assert DEMO.cells[-1].params / DEMO.cells[0].params >= 12


@pytest.mark.parametrize("cell", DEMO.cells, ids=lambda cell: cell.name)
def test_every_cell_sees_about_thirty_tokens_per_parameter(cell):
    assert cell.tokens / cell.params == pytest.approx(26, rel=0.02)


def test_parameters_are_those_counted_by_hand():
    # width 16: embedding 256·16; a block: qkv 16·48, out 16·16, up 16·64, down 64·16
    assert make_ladder().cells[0].params == 256 * 16 + 3 * (16 * 48 + 16 * 16 + 16 * 64 + 64 * 16)


@pytest.mark.parametrize("cell", DEMO.cells[:3], ids=lambda cell: cell.name)
def test_the_model_has_the_declared_parameters(cell):
    assert sum(p.numel() for p in GPT(cell.width, cell.depth, cell.context).parameters()) == cell.params


@pytest.mark.parametrize("cell", DEMO.runs, ids=lambda cell: cell.name)
def test_the_last_step_validates(cell):
    assert cell.steps % cell.evaluations == 0
    assert cell.validate_every * cell.evaluations == cell.steps


def test_only_smaller_cells_are_siblings():
    size = {cell.name: cell.params for cell in DEMO.cells}
    assert all(size[name] < cell.params for cell in DEMO.runs for name in cell.after)


def test_the_two_largest_learn_from_finished_cells():
    assert all(len(cell.after) >= 2 for cell in DEMO.cells[-2:])


def test_runs_of_other_lengths_vary_tokens_per_parameter():
    ratios = sorted(cell.tokens / cell.params for cell in DEMO.lengths)
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
