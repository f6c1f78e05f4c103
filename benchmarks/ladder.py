"""What a ladder's engine costs: seconds of a cell beyond its training, two cells at a time, a thousand cells, and the status of them.

python benchmarks/ladder.py                  the local engine
python benchmarks/ladder.py --ray            Ray beside it, in the same run
python benchmarks/ladder.py --cells 200      a smaller scheduling test
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from lightning_scaling.ladder.chain_training import Report
from lightning_scaling.ladder.design_file import read_design
from lightning_scaling.ladder.engine import make_engine
from lightning_scaling.ladder.run_ladder import Driver, run_ladder
from lightning_scaling.ladder.status import recorded, status

SECONDS = 0.05  # that a cell of the scheduling test sleeps
FIELDS = {
    "name": "bench",
    "builder": "lightning_scaling.ladder.tiny_gpt:build",
    "batch_tokens": 256,
    "schedule": {"shape": "wsd", "warmup": 10},
}
HYPER = {"matrix_lr": {"at": 0.192, "width": -1}, "embedding_lr": {"at": 0.036, "width": -0.25}}


def sleep(task, session):
    """A cell that trains nothing."""
    time.sleep(SECONDS)
    return Report()


def design(folder, runs):
    """A design whose runs and checkpoints lie in `folder`."""
    where = {"store": f"sqlite:///{folder / 'mlflow.db'}", "folder": str(folder)}
    return read_design({**FIELDS, **where, "hyper": HYPER, "cells": [{"runs": runs}]})


def trained(engine, lanes, steps):
    """Seconds of a ladder of two cells, and those that the cells themselves took."""
    with tempfile.TemporaryDirectory() as name:
        made = design(Path(name), [{"width": 32, "steps": steps}, {"width": 32, "steps": steps + 1}])
        run_ladder(
            design(Path(name), [{"width": 8, "steps": 20}]), make_engine(engine, 1, 1 if engine == "local" else None)
        )  # database made
        begun = time.perf_counter()
        records = run_ladder(made, make_engine(engine, 1, lanes))
        return time.perf_counter() - begun, sum(record.extra["seconds"] for record in records.values())


def scheduled(engine, cells, lanes):
    """Seconds of the engine for each of so many sleeping cells."""
    with tempfile.TemporaryDirectory() as name:
        made = design(Path(name), [{"width": 8, "steps": 100 + i} for i in range(cells)])
        driver = Driver(made, make_engine(engine, 1, lanes), lambda progress: None, set(), sleep)
        begun = time.perf_counter()
        driver.run()
        assert len(driver.progress.finished) == cells
        return (time.perf_counter() - begun - SECONDS * cells / lanes) / cells


def stored(cells):
    """Seconds of the status of a ladder with a record of each cell."""
    import numpy as np

    from lightning_scaling import Curve, RunRecord
    from lightning_scaling.store import open_recorder

    with tempfile.TemporaryDirectory() as name:
        os.environ["LIGHTNING_SCALING_SPOOL"] = str(Path(name) / "spool")
        made = design(Path(name), [{"width": 8, "steps": 100 + i} for i in range(cells)])
        for cell in made.cells:
            tokens = np.linspace(0.1, 1.0, 24) * cell.tokens
            curve = Curve(np.unique(tokens.astype(int)), 3.0 / np.arange(1, 25) ** 0.1, params=cell.params)
            record = RunRecord(cell.id, curve, curve.flops, planned_tokens=cell.tokens, ended=True, name=cell.name, extra={"attempt": 1})
            recorder = open_recorder(made.store, cell.id, experiment=made.experiment, run_name=cell.name)
            recorder.record(record)
            recorder.close()
        assert len(recorded(made)) == cells
        begun = time.perf_counter()
        assert status(made).count("finished") == cells
        return time.perf_counter() - begun


def report(engine, arguments):
    """The lines of one engine."""
    one, trained_alone = trained(engine, 1, arguments.steps)
    print(f"{engine}: two cells one after the other {one:.1f} s, of it {trained_alone:.1f} s in their trainings:"
          f" {(one - trained_alone) / 2:.2f} s a cell beyond it")  # fmt: skip
    two, _ = trained(engine, 2, arguments.steps)
    print(f"{engine}: the same two at a time {two:.1f} s, speed-up {one / two:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--cells", type=int, default=1000)
    arguments = parser.parse_args()
    report("local", arguments)
    if arguments.ray:
        import ray

        ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
        both, _ = trained("ray", 2, arguments.steps)
        print(f"ray: the same two at a time {both:.1f} s")
    for cells in (max(1, arguments.cells // 10), arguments.cells):
        print(f"local: {cells} sleeping cells, {1000 * scheduled('local', cells, 2):.0f} ms of scheduling a cell")
    print(f"status of {arguments.cells} cells: {stored(arguments.cells):.2f} s")


if __name__ == "__main__":
    sys.exit(main())
