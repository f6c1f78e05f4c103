"""A cell: its cost, its learning rate, and the chains that cells form."""

from itertools import pairwise

import pytest

from lightning_scaling.ladder.cell import SHAPES, Cell, Shape, chains
from lightning_scaling.run.schedule import Schedule


def cell(name="a", steps=100, **more):
    return Cell(name, name, params=1000, steps=steps, batch_tokens=10, **more)


def test_the_bill_leaves_out_what_another_cell_computed():
    branch = cell(steps=100, branch_step=80)
    assert (branch.flops, branch.computed_flops) == (6 * 1000 * 1000, 6 * 1000 * 200)


def test_a_chain_begins_with_its_trunk():
    made = chains([cell("short", 50, trunk="t", branch_step=40), cell("alone", 30), cell("long", 100, trunk="t")])
    assert [[each.id for each in chain.cells] for chain in made] == [["long", "short"], ["alone"]]
    assert made[0].branch_steps == (40,)
    assert made[0].computed_flops == 6 * 1000 * (100 + 10) * 10


@pytest.mark.parametrize("shape", SHAPES)
def test_the_rate_rises_to_its_peak_and_ends_as_stated(shape):
    share = [Shape(shape, warmup=0.1, end=0.05).share(step, 200) for step in range(200)]
    assert share[19] == max(share) == 1.0
    assert share[-1] == pytest.approx(1.0 if shape == "constant" else 0.05)
    assert all(later <= earlier for earlier, later in pairwise(share[19:]))


@pytest.mark.parametrize(("shape", "made"), [("wsd", Schedule.wsd(1000, decay=0.2, end=0.02)), ("linear", Schedule.linear(1000, end=0.02)),
                                             ("cosine", Schedule.cosine(1000, end=0.02))])  # fmt: skip
def test_the_shapes_are_those_of_schedules(shape, made):
    own = Shape(shape, warmup=1, end=0.02)
    assert [own.share(step, 1000) for step in range(10, 1000, 90)] == pytest.approx(
        [made.at(step + 1) for step in range(10, 1000, 90)], abs=2e-3
    )


def test_branches_share_the_rates_of_their_trunk_until_they_leave_it():
    shape = Shape("wsd", warmup=10)
    leaves = shape.decay_start(50)
    assert [shape.share(step, 50) for step in range(leaves)] == [shape.share(step, 100) for step in range(leaves)]
    assert shape.share(leaves, 50) < 1
