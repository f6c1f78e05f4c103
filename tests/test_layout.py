"""The shape of the project: the core needs numpy and scipy alone, and each framework is known in one place."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ("accounting", "advice", "forecasting", "laws")
FRAMEWORKS = ("torch", "lightning", "pytorch_lightning", "mlflow", "pandas", "matplotlib", "jinja2", "fastapi")

HIDE = """
import importlib, pkgutil, sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {hidden!r}:
            raise ImportError(f"{{name}} is hidden")
sys.meta_path.insert(0, Hidden())
import lightning_scaling
for part in {parts!r}:
    package = importlib.import_module("lightning_scaling." + part)
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)
"""


def imported(path: Path) -> set[str]:
    """Top-level names of every import in a file, those inside functions included."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    return {n.split(".")[0] for n in names | {n.module for n in nodes if isinstance(n, ast.ImportFrom) and n.module}}


def files_that_import(*names: str) -> set[str]:
    found = [p.relative_to(ROOT) for folder in ("lightning_scaling", "callbacks") for p in (ROOT / folder).rglob("*.py")]
    return {p.parts[1] if p.parts[0] == "lightning_scaling" else p.parts[0] for p in found if imported(ROOT / p) & set(names)}


def test_the_core_imports_with_every_framework_hidden():
    code = HIDE.format(hidden=FRAMEWORKS, parts=CORE)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_importing_the_package_loads_no_framework():
    code = f"import lightning_scaling, sys; assert not set(sys.modules) & set({FRAMEWORKS!r}), sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_only_the_store_knows_mlflow():
    assert files_that_import("mlflow") <= {"store", "server", "report"}  # report/publish.py puts a law beside the runs


def test_only_callbacks_and_the_ladder_know_lightning():
    assert files_that_import("lightning", "pytorch_lightning") <= {"callbacks", "ladder"}


@pytest.mark.parametrize("folder", ["lightning_scaling", "callbacks"])
def test_every_file_says_what_it_is_for(folder):
    silent = [p.name for p in (ROOT / folder).rglob("*.py") if p.read_text().strip() and not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []


# A folder imports only what is listed before it.
ORDER = (
    "run",
    "accounting",
    "laws",
    "forecasting",
    "advice",
    "store",
    "importers",
    "report",
    "monitor",
    "callbacks",
    "server",
    "ladder",
    "cli",
)


def imported_folders(path: Path) -> set[str]:
    nodes = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom) and n.module]
    return {n.module.split(".")[1] for n in nodes if n.module.startswith("lightning_scaling.")}


@pytest.mark.parametrize("folder", ORDER)
def test_no_import_runs_upwards(folder):
    root = ROOT / "callbacks" if folder == "callbacks" else ROOT / "lightning_scaling" / folder
    above = set(ORDER[ORDER.index(folder) + 1 :])
    files = list(root.rglob("*.py"))
    assert files
    assert {str(p.relative_to(ROOT)): up for p in files if (up := imported_folders(p) & above)} == {}


def test_no_file_is_longer_than_one_sitting():
    long = {
        p.name: n
        for f in ("lightning_scaling", "callbacks")
        for p in (ROOT / f).rglob("*.py")
        if (n := len(p.read_text().splitlines())) > 300
    }
    assert long == {}


@pytest.mark.parametrize("document", ["Makefile", "README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/examples.md"])
def test_every_file_that_a_document_names_is_there(document):
    named = set(
        re.findall(
            r"(?:lightning_scaling|callbacks|tests|benchmarks|examples|docs)/[\w/.]+\.(?:py|md|js|txt|png|sh)\b",
            (ROOT / document).read_text(),
        )
    )
    assert named
    assert [name for name in sorted(named) if "NAME" not in name and not (ROOT / name).exists()] == []
