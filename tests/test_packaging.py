"""Wheel and source archive pass the checks of an index; the wheel, made from the archive, works from another directory."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = ("lightning_scaling", "callbacks", "setup.cfg", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder into which the wheel of a copy of this checkout has been installed."""
    copy, site = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("site")
    for name in SOURCES:
        whole = ROOT / name
        if whole.is_dir():
            shutil.copytree(whole, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(whole, copy / name)
    python = [sys.executable, "-m"]
    subprocess.run(
        [*python, "build", "--no-isolation", "--outdir", str(copy / "dist"), str(copy)], check=True, timeout=120, capture_output=True
    )
    made = [str(path) for path in (copy / "dist").iterdir()]
    assert sorted(Path(name).suffix for name in made) == [".gz", ".whl"]
    subprocess.run([*python, "twine", "check", "--strict", *made], check=True, timeout=60, capture_output=True)
    (wheel,) = (name for name in made if name.endswith(".whl"))
    subprocess.run([*python, "pip", "install", "--quiet", "--no-deps", "--target", str(site), wheel], check=True, timeout=60)
    return site


def run(site, code):
    """Run code from a neutral folder, seeing the unpacked wheel before anything else."""
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=site.parent, env=environment, check=True, timeout=120, capture_output=True, text=True
    )


def test_every_source_file_is_in_the_wheel(installed):
    for folder, target in (("lightning_scaling", "lightning_scaling"), ("callbacks", "lightning_scaling/callbacks")):
        sources = {p.relative_to(ROOT / folder) for p in (ROOT / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts}
        missing = {str(p) for p in sources if not (installed / target / p).is_file()}
        assert missing == set()


def test_no_global_module_named_callbacks_is_claimed(installed):
    assert not (installed / "callbacks").exists()


def test_the_wheel_answers_from_another_directory(installed):
    code = "import lightning_scaling as ls, sys; print(ls.__file__); print(ls.training_flops(1000, 10**9))"
    where, answer = run(installed, code).stdout.split()
    assert Path(where).is_relative_to(installed)
    assert answer == "6000000000000"


@pytest.mark.slow
def test_the_monitor_comes_with_the_wheel(installed):
    assert "ScalingLawMonitor" in run(installed, "from lightning_scaling.callbacks import ScalingLawMonitor as M; print(M.__name__)").stdout
