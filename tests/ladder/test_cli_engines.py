"""`lightning-scaling ladder run` on the engines of a cluster, from the command line, with a store and a folder as relative addresses."""

import json
import os
import sys

import pytest
import yaml
from click.testing import CliRunner

from lightning_scaling.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def design(tmp_path, tiny, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    (tmp_path / "design.yaml").write_text(yaml.safe_dump({**tiny(tmp_path), "store": "sqlite:///mlflow.db", "folder": "ladder"}))
    return "design.yaml"


def states(design, *options):
    result = CliRunner().invoke(main, ["ladder", "run", design, "--json", *options])
    assert result.exit_code == 0, result.stderr
    return {cell["state"] for cell in json.loads(result.stdout)["cells"]}


def test_ray(design):
    pytest.importorskip("ray", reason="Ray is not installed")
    assert states(design, "--engine", "ray") == {"finished"}


def test_ray_states_what_no_node_has(design):
    pytest.importorskip("ray", reason="Ray is not installed")
    result = CliRunner().invoke(main, ["ladder", "run", design, "--engine", "ray", "--gpus", "64"])
    assert result.exit_code == 2
    assert "no node of the Ray cluster has them" in result.stderr


def test_ray_on_a_cluster_that_was_started_elsewhere(design, tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="Ray is not installed")
    from ray.cluster_utils import Cluster

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    monkeypatch.chdir(elsewhere)
    cluster = Cluster(initialize_head=True, head_node_args=dict(num_cpus=1, object_store_memory=80 * 2**20, include_dashboard=False))
    monkeypatch.chdir(tmp_path)
    try:
        assert states(design, "--engine", "ray", "--address", cluster.address) == {"finished"}
    finally:
        cluster.shutdown()
    assert not list(elsewhere.iterdir())


def test_slurm_through_its_executor_for_one_machine(design):
    pytest.importorskip("submitit", reason="submitit is not installed")
    assert states(design, "--engine", "slurm", "--slurm-executor", "local") == {"finished"}
