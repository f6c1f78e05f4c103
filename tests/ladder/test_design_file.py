"""A design file: every kind of cells, hyper-parameters by law, and all its faults at once."""

import json

import pytest

from lightning_scaling.ladder.design_file import FOLDER, design_path, read_design
from lightning_scaling.ladder.faults import DesignFaults
from lightning_scaling.ladder.tiny_gpt import params_of
from lightning_scaling.units import training_flops

BUILDER = "lightning_scaling.ladder.tiny_gpt:build"
SIZES = [{"width": 16}, {"width": 32}]


def design(*cells, **top):
    given = {"name": "mine", "builder": BUILDER, "batch_tokens": 256, "hyper": {"lr": 1e-3}, "cells": list(cells)}
    return read_design({**given, **top})


def faults(*cells, **top):
    with pytest.raises(DesignFaults) as caught:
        design(*cells, **top)
    return caught.value.lines


def test_a_ladder_has_one_ratio_of_tokens_to_parameters():
    cells = design({"ladder": 20, "sizes": SIZES}).cells
    assert [cell.tokens / cell.params for cell in cells] == pytest.approx([20, 20], rel=1e-3)


def test_an_isoflop_curve_has_one_compute():
    cells = design({"isoflop": ["6e10", "1.8e11"], "sizes": SIZES}).cells
    assert [cell.flops for cell in cells] == pytest.approx([6e10, 6e10, 1.8e11, 1.8e11], rel=2e-3)
    assert [cell.name for cell in cells] == ["w16 6e10", "w32 6e10", "w16 1.8e11", "w32 1.8e11"]


def test_single_runs_state_their_length_in_one_of_three_ways():
    runs = [{"width": 16, "steps": 100}, {"width": 16, "tokens": "51.2k"}, {"width": 16, "flops": training_flops(13312, 76800)}]
    assert [cell.steps for cell in design({"runs": runs}).cells] == [100, 200, 300]


def test_a_number_of_parameters_becomes_the_nearest_size_that_the_builder_has():
    (cell,) = design({"ladder": 20, "sizes": ["14k"]}).cells
    assert (cell.params, dict(cell.size)) == (params_of({"width": 16}), {"width": 16})


def test_what_a_fitted_law_asks_for_becomes_cells(tmp_path):
    file = tmp_path / "next.json"
    run = {"params": 13312, "tokens": 768000, "flops": training_flops(13312, 768000), "pf_days": 1e-9, "error_after": 0.01}
    file.write_text(json.dumps({"next_runs": {"format": "lightning-scaling ladder", "version": 1, "runs": [run]}}))
    (cell,) = design({"next": str(file)}).cells
    assert (cell.params, cell.steps) == (13312, 3000)


def test_a_saved_law_is_asked_for_the_next_runs(tmp_path):
    import numpy as np

    from lightning_scaling import fit_surface
    from lightning_scaling.laws import Surface, save

    n, d = (v.ravel() for v in np.meshgrid(np.geomspace(1e4, 2e5, 5), np.geomspace(1e5, 4e6, 5)))
    law = fit_surface(n, d, Surface(0.7, 30, 130, 0.45, 0.35).predict(n, d))
    path = save(law, tmp_path / "law.json")
    cells = design({"next": {"law": str(path), "budget": 2e12, "count": 2}}).cells
    assert 1 <= len(cells) <= 2
    assert sum(cell.flops for cell in cells) <= 2e12 * 1.01


def test_hyper_parameters_follow_power_laws_of_size_and_length():
    rules = {"lr": {"at": 0.32, "width": -1}, "wd": {"at": 2.0, "N": 0.5, "D": -0.5}, "beta": 0.9}
    (cell,) = design({"runs": [{"width": 16, "steps": 100}]}, hyper=rules).cells
    assert cell.hyper == {"lr": pytest.approx(0.02), "wd": pytest.approx(2 * (13312 / 25600) ** 0.5), "beta": 0.9}


def test_a_published_batch_follows_the_length_that_the_compute_buys():
    (cell,) = design({"isoflop": 6e17, "sizes": ["50M"]}, builder="lightning_scaling.ladder.cell:Cell", hyper={"law": "steplaw2025"},
                     batch_tokens=None).cells  # fmt: skip
    assert cell.batch_tokens == pytest.approx(0.58 * 2e9**0.571, rel=1e-3)


def test_published_laws_give_rate_and_batch():
    # Step Law (Li et al. 2025, eq. 1) for 50M parameters on 1e9 tokens, by hand
    (cell,) = design({"runs": [{"params": "50M", "tokens": 1e9}]}, builder="lightning_scaling.ladder.cell:Cell", hyper={"law": "step2025"},
                     batch_tokens=None).cells  # fmt: skip
    assert cell.batch_tokens == pytest.approx(0.58 * 1e9**0.571, rel=1e-3)
    assert cell.hyper["lr"] == pytest.approx(1.79 * 5e7**-0.713 * 1e9**0.307, rel=1e-3)


def test_branches_leave_the_longest_of_their_size():
    shape = {"shape": "wsd", "decay": 0.2, "warmup": 10}
    made = design({"isoflop": [6e10, 1.8e11], "sizes": SIZES, "branches": True}, schedule=shape)
    assert [len(chain.cells) for chain in made.chains] == [2, 2]
    for chain in made.chains:
        trunk, branch = chain.cells
        assert (trunk.branch_step, branch.branch_step) == (0, round(0.8 * branch.steps))
        assert trunk.steps > branch.steps
    assert made.computed_flops == pytest.approx(2 * 1.8e11 + 0.2 * 2 * 6e10, rel=1e-2)


def test_a_cell_keeps_its_identity_until_something_that_decides_its_numbers_changes():
    block = {"runs": [{"width": 16, "steps": 100}]}
    same = design(block).cells[0].id
    assert design(block, retries=5, evaluations=3, folder="elsewhere").cells[0].id == same
    changed = [design(block, hyper={"lr": 2e-3}), design(block, seeds=1), design({"runs": [{"width": 16, "steps": 101}]}),
               design(block, schedule={"shape": "linear"}), design(block, batch_tokens=512)]  # fmt: skip
    assert len({same, *(made.cells[0].id for made in changed)}) == 6


def test_several_seeds_are_several_cells():
    cells = design({"ladder": 20, "sizes": SIZES, "seeds": [0, 1]}).cells
    assert [cell.name for cell in cells] == ["w16 s0", "w32 s0", "w16 s1", "w32 s1"]


def test_ten_faults_are_ten_clear_lines(tmp_path):
    file = tmp_path / "design.yaml"
    file.write_text("""
name: ''
builder: no_such_module:build
retries: -1
cores: none
colour: red
schedule: {shape: triangle, end: 7}
cells:
  - {ladder: fast, sizes: [10M]}
  - {isoflop: [1e10]}
  - {runs: [{params: 1M}]}
  - {ladder: 20, isoflop: 1e10, sizes: [10M]}
""")
    with pytest.raises(DesignFaults) as caught:
        read_design(file)
    lines = caught.value.lines
    wanted = (
        "name: builder: retries: cores: colour: schedule.shape: schedule.end: cells[1].ladder: cells[2].sizes: cells[3].runs[1]: cells[4]:"
    )
    wanted = wanted.split()
    assert [sum(name in line for line in lines) > 0 for name in wanted] == [True] * len(wanted), lines
    assert all("\n" not in line for line in lines)


@pytest.mark.parametrize(
    ("cells", "top", "line"),
    [
        ({"ladder": 20, "sizes": [{"width": 12}]}, {}, "multiple of 8"),
        ({"ladder": 20, "sizes": SIZES}, {"batch_tokens": None}, "batch_tokens"),
        ({"ladder": 20, "sizes": SIZES}, {"hyper": {"lr": {"N": -1}}}, "needs its factor"),
        ({"ladder": 20, "sizes": SIZES}, {"hyper": {"lr": {"at": 1, "depths": -1}}}, "'depths' is nothing a cell holds"),
        ({"ladder": 20, "sizes": SIZES, "branches": True}, {}, "schedule of the shape wsd"),
        ({"ladder": 20, "sizes": SIZES}, {"bacth_tokens": 3}, "did you mean 'batch_tokens'"),
        ({"ladder": 20, "sizes": SIZES}, {"law": "nobody1999"}, "law"),
        ({"ladder": 20, "sizes": [SIZES[0], SIZES[0]]}, {}, "listed twice"),
        ({"ladder": 20, "sizes": SIZES, "stop": "NOW"}, {}, "stop"),
        ({"next": "nowhere.json"}, {}, "next"),
        ({"ladder": 20, "sizes": SIZES}, {"hyper": {"lr": {"at": -1, "N": -1}}}, "its factor, above zero"),
        ({"ladder": 20, "sizes": SIZES}, {"hyper": {"lr": {"at": 1, "N": "half"}}}, "the power of N must be a number, got 'half'"),
        ({"ladder": 20, "sizes": SIZES}, {"hyper": {"law": "steplaw"}}, "did you mean steplaw2025"),
        ({"ladder": 20, "sizes": SIZES}, {"law": {"E": 1.7, "A": -3, "B": 4, "alpha": 0.3, "beta": 0.3}}, "A is -3"),
        ({"ladder": 20, "sizes": SIZES, "branches": "sometimes"}, {}, "branches: must be true or false, got 'sometimes'"),
        ({"ladder": 20, "sizes": SIZES}, {"builder": ["a", "b"]}, "builder: must be the import path"),
        ({"ladder": 20, "sizes": SIZES}, {"name": "../elsewhere"}, "name: must be words without /"),
        ({"ladder": 20, "sizes": SIZES}, {"arguments": {"corpse": "x"}}, "did you mean 'corpus'"),
        ({"ladder": 20, "sizes": SIZES}, {"monitor": {"levl": 0.8}}, "did you mean 'level'"),
        ({"ladder": 1e300, "sizes": SIZES}, {}, "look at the unit of its length"),
    ],
)
def test_a_fault_states_its_place_and_what_to_write(cells, top, line):
    found = faults(cells, **top)
    assert any(line in each for each in found), found


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"cells: [", "this is no YAML"),
        (b"name: a\ncells:\n\t- x", "line 3: this is no YAML"),
        (b"name: a\nname: b\n", "line 2: name is given twice"),
        (b"cells:\n  - {ladder: 20, sizes: [1M], ladder: 30}\n", "line 2: ladder is given twice"),
        (b"", "found nothing"),
        (b"\xff\xfe\x00", "this is no text"),
        (b"cells: [*nowhere]", "undefined alias"),
    ],
)
def test_a_file_that_is_no_design_is_one_line(tmp_path, content, line):
    file = tmp_path / "design.yaml"
    file.write_bytes(content)
    with pytest.raises(DesignFaults) as caught:
        read_design(file)
    assert len(caught.value.lines) == 1
    assert line in caught.value.lines[0]


def test_anchors_and_merged_keys_are_read(tmp_path):
    file = tmp_path / "design.yaml"
    file.write_text(f"name: a\nbuilder: {BUILDER}\nbatch_tokens: 256\ncells:\n  - &first {{ladder: 20, sizes: [14k]}}\n"
                    "  - {<<: *first, ladder: 40}\n")  # fmt: skip
    short, long = read_design(file).cells
    assert long.steps == 2 * short.steps


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yaml")))
def test_the_bundled_designs_have_no_faults(name):
    assert read_design(design_path(name)).cells


def test_the_demo_is_three_isoflop_curves_and_one_larger_run():
    made = read_design(design_path("demo"))
    main = [cell for cell in made.cells if cell.family == "demo"]
    budgets = [cell.name.split()[1] for cell in main]
    assert {budget: budgets.count(budget) for budget in budgets} == {"4.5e10": 5, "1.35e11": 6, "4.05e11": 5, "1.22e12": 1}
    assert min(cell.steps for cell in main) >= 400
    assert 1 - sum(c.computed_flops for c in main) / sum(c.flops for c in main) == pytest.approx(0.24, abs=0.01)
