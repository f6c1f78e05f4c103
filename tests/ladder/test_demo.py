"""The whole demo, small: killed in the middle and started again it ends in the same numbers, with nothing trained twice."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from lightning_scaling.ladder.cells import PRESETS

pytestmark = pytest.mark.timeout(600)

QUICK = PRESETS["quick"]
PATIENCE = 300  # seconds, on a machine that does much else


def start(folder, *more):
    command = [
        sys.executable,
        "-c",
        "from lightning_scaling.cli import main; main()",
        "demo",
        "--quick",
        "--json",
        "--folder",
        str(folder),
        *more,
    ]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return subprocess.Popen(command, env=quiet, preexec_fn=heed_ctrl_c, **pipes)


def heed_ctrl_c():
    """A test run started in the background ignores Ctrl-C, and its children would too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def finish(process):
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return json.loads(out)


def wait_for_checkpoint(process, folder, name):
    until = time.monotonic() + PATIENCE
    while not list(folder.glob(f"checkpoints/*/{name}.ckpt")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    return folder, finish(start(folder))


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The parent killed with -9 while the third size trains; started again, stopped by Ctrl-C; then run to its end."""
    folder = tmp_path_factory.mktemp("killed")
    process = start(folder)
    wait_for_checkpoint(process, folder, "w24")
    process.kill()
    process.communicate(timeout=PATIENCE)  # returns when nobody holds the pipes any more: the training processes are gone too
    process = start(folder)
    wait_for_checkpoint(process, folder, "w32")
    process.send_signal(signal.SIGINT)
    _, output = process.communicate(timeout=PATIENCE)
    return folder, finish(start(folder)), (process.returncode, output)


def names(document):
    return [run["name"] for run in document["runs"]]


def losses(document):
    return {run["name"]: run["loss"] for run in document["runs"]}


def test_every_run_of_the_ladder_is_listed(straight):
    assert sorted(names(straight[1])) == sorted(run.name for run in QUICK.runs)


def test_the_report_and_its_pictures_are_there(straight):
    folder, document = straight
    assert document["report"] == str(folder / "report.html")
    assert (folder / "report.html").stat().st_size > 50_000
    assert list(folder.glob("*.png"))


def test_the_law_is_stated_with_its_interval(straight):
    law = straight[1]["law_of_compute"]
    assert law["exponent_interval"][0] < law["exponent"] < law["exponent_interval"][1]


def test_the_largest_size_is_predicted_beside_the_observed_loss(straight):
    largest = straight[1]["largest"]
    assert largest["low"] < largest["predicted"] < largest["high"]
    assert largest["observed"] == losses(straight[1])["w40"]


def test_the_split_of_ten_times_the_compute_spends_all_of_it(straight):
    best = straight[1]["ten_times"]
    assert 6 * best["params"] * best["tokens"] == pytest.approx(best["flops"], rel=1e-6)


def test_ctrl_c_states_that_the_same_command_resumes(killed):
    code, output = killed[2]
    assert code == 130
    assert "The same command resumes" in output
    assert "Traceback" not in output


def test_killed_and_started_again_it_ends_in_the_same_numbers(straight, killed):
    assert losses(killed[1]) == losses(straight[1])


def test_the_same_seed_predicts_the_same(straight, killed):
    assert killed[1]["largest"] == straight[1]["largest"]


def test_no_size_has_two_runs_in_mlflow(killed):
    from lightning_scaling.store import load

    folder, document, _ = killed
    recorded = load(f"sqlite:///{folder}/mlflow.db")
    assert sorted(r.name for r in recorded) == sorted(names(document))
    assert len(recorded.finished) == len(QUICK.runs)


def test_what_is_finished_is_not_trained_again(straight):
    folder, document = straight
    from lightning_scaling.store import load

    before = {r.key: r.curve.tokens.tolist() for r in load(f"sqlite:///{folder}/mlflow.db")}
    again = finish(start(folder))
    assert again == document
    assert {r.key: r.curve.tokens.tolist() for r in load(f"sqlite:///{folder}/mlflow.db")} == before


def test_a_missing_corpus_is_one_line_and_exit_code_2(tmp_path):
    process = start(tmp_path / "demo", "--corpus", str(tmp_path / "nowhere"))
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert "no corpus at" in err
