"""The command line as a whole: it answers at once, bad input is one line and exit code 2, and --json prints one document."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from lightning_scaling.cli import COMMANDS, main

HEAVY = ("torch", "lightning", "pytorch_lightning", "mlflow", "pandas", "matplotlib")


def run(*arguments):
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_an_example(name):
    shown = run(name, "--help")
    assert shown.exit_code == 0
    assert f"lightning-scaling {name}" in shown.output


@pytest.mark.parametrize(
    "arguments", [["--help"], ["plan", "--params", "1e3", "--tokens", "1e9"], ["plan", "--flops", "1e21", "--law", "hoffmann2022"]]
)
def test_help_and_plan_import_no_framework(arguments):
    code = (
        "import sys; from lightning_scaling.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        f"sys.exit(', '.join(set(sys.modules) & set({HEAVY!r})) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["plan", "--flops", "abc"], "--flops must be a positive amount of compute"),
        (["forecast", "nowhere.csv", "--at", "2e9"], "nowhere.csv: No such file"),
        (["advise", "nowhere.csv", "--planned", "2e9"], "nowhere.csv"),
        (["fit", "nowhere.csv"], "nowhere.csv"),
        (["forecast", "nowhere.csv", "--at", "zero"], "--at must be a positive number"),
        (["forecast", "nowhere.csv"], "Missing option '--at': where to forecast the loss"),
        (["plan", "--nothing"], "No such option"),
        (["nothing"], "No such command 'nothing'"),
        (["--nothing"], "No such option"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_exit_code_2(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_json_is_one_document_and_nothing_else():
    answer = json.loads(run("plan", "--params", "1e3", "--tokens", "1e9", "--json").stdout)
    assert answer["flops"] == 6 * 10**12
    assert answer["pf_days"] == pytest.approx(6.94e-8, rel=1e-3)


def test_baichuan_2_tokens_for_seven_billion_params_at_1e23_flops():
    answer = json.loads(run("plan", "--flops", "1e23", "--params", "7e9", "--json").stdout)
    assert answer["tokens"] == pytest.approx(2.38e12, rel=1e-3)


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "lightning_scaling", "plan", "--flops", "nothing"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("lightning-scaling: --flops")
