"""`lightning-scaling ladder` on the command line."""

import json

import pytest
import yaml
from click.testing import CliRunner

from lightning_scaling.cli import main
from lightning_scaling.ladder.design_file import read_design
from lightning_scaling.ladder.run_folder import cancelled


@pytest.fixture
def file(tmp_path, tiny):
    path = tmp_path / "design.yaml"
    path.write_text(yaml.safe_dump(tiny(tmp_path)))
    return path


def call(*arguments):
    return CliRunner().invoke(main, ["ladder", *map(str, arguments)])


def test_a_plan_states_the_cost_before_anything_is_spent(file):
    document = json.loads(call("plan", file, "--no-measure", "--json").output)
    design = read_design(file)
    assert [cell["flops"] for cell in document["cells"]] == [cell.flops for cell in design.cells]
    assert (document["flops"], document["computed_flops"]) == (design.flops, design.computed_flops)
    assert document["seconds"] is None


@pytest.mark.slow
def test_a_measured_plan_states_the_time(file):
    document = json.loads(call("plan", file, "--json", "--lanes", 1).output)
    assert 0 < document["seconds"] == pytest.approx(sum(cell["seconds"] for cell in document["cells"]))


def test_a_plan_in_words_states_what_the_design_will_identify():
    text = " ".join(call("plan", "demo", "--no-measure").output.split())
    assert "It will identify L(N, D): alpha ±" in text
    assert "less than all paths, which share trunks" in text


def test_a_design_can_be_given_as_flags():
    made = ("--builder", "lightning_scaling.ladder.tiny_gpt:build", "--kind", "ladder=20", "--size", "{width: 16}", "--size", "45k")
    result = call("plan", *made, "--set", "batch_tokens=256", "--no-measure", "--json")
    assert [cell["params"] for cell in json.loads(result.output)["cells"]] == [13312, 45056]


def test_the_status_of_a_ladder_that_has_not_begun(file):
    document = json.loads(call("status", file, "--json").output)
    assert {cell["state"] for cell in document["cells"]} == {"waiting"}
    assert "4 waiting; 0 % of the compute done" in call("status", file).output


def test_a_cancelled_ladder_is_marked_in_its_run_folder(file):
    assert "`ladder resume` continues" in call("cancel", file).output
    assert cancelled(read_design(file))


def test_every_fault_of_a_design_is_a_line_and_the_exit_code_is_2(tmp_path):
    path = tmp_path / "design.yaml"
    path.write_text("name: x\nbuilder: nowhere\nretries: -1\ncells: none\n")
    result = call("plan", path)
    assert result.exit_code == 2
    lines = result.stderr.strip().splitlines()
    assert [line.split(": ")[1] for line in lines] == ["retries", "builder", "cells"]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("plan",), "give a design file, or --builder"),
        (("plan", "nowhere.yaml"), "the name of a bundled design: demo, quick"),
        (("run", "quick", "--minutes", "3"), "--minutes is not for --engine local"),
        (("plan", "quick", "--set", "retries"), "needs KEY=VALUE"),
    ],
)
def test_bad_input_is_one_line(arguments, line):
    result = call(*arguments)
    assert (result.exit_code, len(result.stderr.strip().splitlines())) == (2, 1)
    assert line in result.stderr
