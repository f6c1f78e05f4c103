"""Every example runs unchanged and prints what it promises."""

import os
import runpy
import sys
import warnings
from pathlib import Path

import pytest

from lightning_scaling.ladder import process

EXAMPLES = Path(__file__).parent.parent / "examples"
PRINTS = {
    "plain_loop.py": "Trained on 204800 tokens",
    "transformers_trainer.py": "Trained on 51200 tokens",
    "tiny_gpt.py": "Half-way the end was forecast at",
    "attach.py": "metrics.csv",
    "many_sizes.py": "report: many_sizes/report.html",
    "lightning_cli.py": "scaling: ended at",
    "existing_runs.py": "L = (C0/C)^",
}
SLOW = ("tiny_gpt.py", "many_sizes.py", "lightning_cli.py", "plain_loop.py")  # the others attach the monitor in each of the ways
MORE = {"lightning_cli.py": ["fit", "--config", str(EXAMPLES / "config.yaml")]}


def run(name: str, folder: Path) -> None:
    """In a process of its own: the example as `python examples/NAME`, what it prints in printed.txt."""
    os.chdir(folder)
    printed = os.open("printed.txt", os.O_WRONLY | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(printed, stream)
    os.environ.update(PYTHONWARNINGS="ignore", COLUMNS="200")
    warnings.simplefilter("ignore")
    sys.path[0] = str(EXAMPLES)
    sys.argv = [name, *MORE.get(name, [])]
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


@pytest.fixture(scope="module")
def started(request, tmp_path_factory):
    """All at once, each in a folder of its own, forked from a process that has loaded the libraries: importing takes most of their time."""
    here = [item for item in request.session.items if item.path == Path(__file__)]
    context, running = process.context(), {}
    with process.environment():
        for name in sorted(each.callspec.params["name"] for each in here if hasattr(each, "callspec")):
            folder = tmp_path_factory.mktemp(Path(name).stem)
            child = context.Process(target=run, args=(name, folder))
            child.start()
            running[name] = child, folder / "printed.txt"
    yield running
    for child, _ in running.values():
        child.kill()


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in PRINTS])
def test_the_example_runs_and_prints_what_it_promises(started, name):
    child, printed = started[name]
    child.join(280)
    assert child.exitcode == 0, printed.read_text()
    assert PRINTS[name] in printed.read_text()


def test_every_example_is_tested():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PRINTS)


def test_attaching_takes_ten_lines():
    code = [line for line in (EXAMPLES / "attach.py").read_text().splitlines() if line.strip() and not line.startswith('"""')]
    assert len(code) <= 10
