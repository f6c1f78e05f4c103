"""The registry: every kind by its name or by a line that the user gives, kinds of other packages, and a library that is missing."""

import subprocess
import sys

import pytest
from importers_truth import HEADER, LOSS, RATE, ROWS, STEPS, same_losses

from lightning_scaling.importers import Options, read_run
from lightning_scaling.importers.importer import importers
from lightning_scaling.importers.pattern import compiled

MODULE = """
from lightning_scaling.importers import Importer
from lightning_scaling.importers.frame import frames_of


def read(source, options, tally):
    rows = ((number, dict(zip(("step", "loss"), line.split("~")))) for number, line in source.lines())
    return frames_of(rows, tally)


importer = Importer("tilde", "log of a program of ours", lambda source: source.path.endswith(".tilde"), read)
"""


@pytest.fixture
def other_package(tmp_path, monkeypatch):
    """A function that installs a distribution with these entry points, as pip leaves it: a module and its metadata on the path."""
    site = tmp_path / "site-packages"
    (site / "tilde_logs-1.0.dist-info").mkdir(parents=True)
    (site / "tilde_logs.py").write_text(MODULE)
    (site / "tilde_logs-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: tilde-logs\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(str(site))

    def install(*points):
        lines = ["[lightning_scaling.importers]", *points]
        (site / "tilde_logs-1.0.dist-info/entry_points.txt").write_text("\n".join(lines) + "\n")
        importers.cache_clear()

    yield install
    importers.cache_clear()
    sys.modules.pop("tilde_logs", None)


def test_another_package_brings_a_kind(file, other_package):
    other_package("tilde = tilde_logs:importer")
    lines = ["~".join(row.split(",")[:2]) for row in ROWS]
    assert same_losses(file("run.tilde", lines)).kind == "log of a program of ours"


def test_a_package_that_is_broken_is_named_and_stops_no_other(file, other_package):
    other_package("gone = tilde_logs:nothing", "worse = not_there:importer", "tilde = tilde_logs:importer")
    with pytest.warns(UserWarning, match="of tilde-logs is left out") as warned:
        assert "tilde" in importers()
    assert ["AttributeError" in str(warned[0].message), "not_there" in str(warned[1].message)] == [True, True]
    same_losses(file("run.csv", [HEADER, *ROWS]))


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


@pytest.mark.parametrize(
    ("pattern", "form"),
    [
        ("step {step} loss {loss} lr {lr}", "[a7] step {s}   loss {x} lr {r} ok"),
        ("{step};{};{loss}", "{s};12:30:11;{x}"),
        ("<{step}> ({loss})", "<{s}> ({x})"),
    ],
)
def test_the_numbers_are_where_the_braces_are(file, pattern, form):
    text = [form.format(s=s, x=x, r=r) for s, x, r in zip(STEPS, LOSS, RATE, strict=True)]
    reading = same_losses(file("my.log", ["hello", *text]), pattern=pattern)
    assert reading.skipped == [{"reason": "no match of the pattern", "rows": 1, "first_row": 1}]


@pytest.mark.parametrize(
    ("pattern", "why"), [("loss {loss}", "one of {step}"), ("{step} {los}", "{los}"), ("{step} {loss} {loss}", "twice")]
)
def test_a_pattern_that_cannot_work_names_its_fault(pattern, why):
    with pytest.raises(ValueError, match=why):
        compiled(pattern)
