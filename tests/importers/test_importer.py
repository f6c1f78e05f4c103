"""The registry: every kind by its name, kinds of other packages, and what happens where a library is missing."""

import subprocess
import sys

import pytest
from importers_truth import HEADER, ROWS, same_losses

from lightning_scaling.importers import Options, importer, read_run
from lightning_scaling.importers.frame import frames_of
from lightning_scaling.importers.importer import Importer, importers


class Point:
    """An entry point of another package."""

    def load(self):
        def read(source, options, tally):
            return frames_of(((i, dict(zip(("step", "loss"), line.split("~"), strict=True))) for i, line in source.lines()), tally)

        return Importer("tilde", "log of a program of ours", lambda source: source.path.endswith(".tilde"), read)


@pytest.fixture
def other_package(monkeypatch):
    monkeypatch.setattr(importer, "entry_points", lambda group: [Point()] if group == "lightning_scaling.importers" else [])
    importers.cache_clear()
    yield
    importers.cache_clear()


def test_another_package_brings_a_kind(file, other_package):
    lines = ["~".join(row.split(",")[:2]) for row in ROWS]
    assert same_losses(file("run.tilde", lines)).kind == "log of a program of ours"


def test_a_kind_can_be_forced(file):
    same_losses(file("run.log", [HEADER, *ROWS]), kind="csv")


def test_a_kind_that_is_not_known_is_refused_with_those_that_are(file):
    with pytest.raises(ValueError, match="--from takes parquet, tensorboard"):
        read_run(file("run.csv", [HEADER, *ROWS]), Options(kind="xml"))


def test_text_is_read_by_numpy_alone(file):
    path = file("run.csv", [HEADER, *ROWS])
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('pandas', 'pyarrow', 'yaml', 'tensorboard', 'wandb', 'mlflow', 'torch')));"
        f"from lightning_scaling.importers import read_run; assert len(read_run({path!r}).curve) == 50"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("name", "content", "library"),
    [("run.parquet", b"PAR1", "pyarrow"), ("events.out.tfevents.1", b"x", "tensorboard"), ("run.wandb", b":W&B", "wandb")],
)
def test_a_library_that_is_missing_is_named_with_the_remedy(file, monkeypatch, name, content, library):
    for module in [m for m in sys.modules if m.split(".")[0] == library] + [library]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ValueError, match="pip install"):
        read_run(file(name, content))
