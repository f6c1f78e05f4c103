"""Ray, on a real cluster of two nodes on this machine: one is killed half-way, all cells finish, none twice, in the numbers of the pool."""

import os
import sys

import pytest

from lightning_scaling.ladder.design_file import read_design
from lightning_scaling.ladder.pool import Pool
from lightning_scaling.ladder.run_folder import exists
from lightning_scaling.ladder.run_ladder import run_ladder
from lightning_scaling.ladder.status import recorded

ray = pytest.importorskip("ray", reason="Ray is not installed")
pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def cluster(monkeypatch):
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    small = dict(num_cpus=1, object_store_memory=80 * 2**20, include_dashboard=False)
    made = Cluster(initialize_head=True, head_node_args=small)
    second = made.add_node(num_cpus=1, object_store_memory=80 * 2**20)
    ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
    yield made, second
    ray.shutdown()
    made.shutdown()


def test_a_ladder_survives_the_death_of_a_node(cluster, tmp_path, tiny):
    from lightning_scaling.ladder.ray_engine import RayEngine

    made, second = cluster
    runs = [{"width": width, "depth": 1, "context": 32, "steps": steps} for width in (8, 16) for steps in (500, 120, 40)]
    design = read_design(tiny(tmp_path, cells=[{"runs": runs}], checkpoint_seconds=0.1, retries=0))
    killed = []

    def kill_one(progress):
        if not killed and all(exists(design.checkpoint(chain.cells[0])) for chain in design.chains[:2]):
            made.remove_node(second, allow_graceful=False)
            killed.append(True)

    records = run_ladder(design, RayEngine(), kill_one)
    assert killed
    assert len(records) == len(recorded(design)) == len(design.cells)
    assert [records[cell.id].tokens_trained for cell in design.cells] == [cell.tokens for cell in design.cells]
    alone = read_design(tiny(tmp_path / "alone", cells=[{"runs": runs[:3]}]))
    expected = run_ladder(alone, Pool(1, 1))
    assert [records[cell.id].loss for cell in alone.cells] == pytest.approx([expected[cell.id].loss for cell in alone.cells], rel=1e-3)
