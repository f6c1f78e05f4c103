"""The local engine: so many processes at a time, a death costs one task, and all end when they are asked to."""

import ladder_parts
import pytest

from lightning_scaling.ladder.design_file import read_design
from lightning_scaling.ladder.pool import Pool
from lightning_scaling.ladder.run_ladder import Driver, Progress
from lightning_scaling.ladder.training import cores_here

BUILDER = "lightning_scaling.ladder.tiny_gpt:build"


def design(tmp_path, count=4, seconds=0.05, **top):
    runs = [{"width": 8, "steps": 10 + i} for i in range(count)]
    given = {
        "name": "sleepers",
        "builder": "ladder_parts:build",
        "batch_tokens": 128,
        "cells": [{"runs": runs}],
        "store": str(tmp_path / "runs"),
    }
    return read_design({**given, "folder": str(tmp_path), "arguments": {"seconds": seconds, "log": str(tmp_path)}, **top})


def slept(tmp_path, made):
    return [tuple(map(float, line.split())) for cell in made.cells for line in (tmp_path / cell.id).read_text().splitlines()]


def drive(made, lanes, work=ladder_parts.sleep, show=lambda progress: None):
    driver = Driver(made, Pool(1, lanes), show, set(), work)
    driver.run()
    return driver


def test_every_task_runs_once(tmp_path):
    made = design(tmp_path)
    driver = drive(made, 2)
    assert driver.progress.finished == {cell.id for cell in made.cells}
    assert len(slept(tmp_path, made)) == len(made.cells)


@pytest.mark.parametrize("lanes", [1, 3])
def test_no_more_run_at_a_time_than_there_are_lanes(tmp_path, lanes):
    made = design(tmp_path, count=6, seconds=0.2)
    drive(made, lanes)
    spans = slept(tmp_path, made)
    assert max(sum(begun <= at < end for begun, end, _ in spans) for at, _, _ in spans) <= lanes


def test_the_cores_of_a_task_are_not_given_twice():
    assert Pool(cores=cores_here()).lanes == 1
    assert Pool(cores=10 * cores_here()).lanes == 1
    assert Pool(cores=1).lanes == cores_here()


def test_ctrl_c_asks_all_tasks_to_end_and_waits_for_them(tmp_path):
    made, seen = design(tmp_path), []

    def interrupt(progress: Progress):
        seen.append(progress)
        if len(seen) == 4:
            raise KeyboardInterrupt

    driver = drive(made, 2, ladder_parts.until_stopped, interrupt)
    assert driver.stopped
    assert driver.running == 0
    assert driver.progress.finished == set()
