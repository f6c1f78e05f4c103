"""The whole demo, small: killed in the middle and started again it ends in the same numbers, with nothing trained twice."""

import json
import signal
import subprocess
import sys
import time

import pytest

from lightning_scaling.ladder.design_file import design_path, read_design

pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

QUICK = read_design(design_path("quick"))
PATIENCE = 400  # seconds, on a machine that does much else


def start(folder, *more):
    code = "from lightning_scaling.cli import main; main()"
    command = [sys.executable, "-c", code, "demo", "--quick", "--json", "--folder", str(folder), *more]
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return subprocess.Popen(command, preexec_fn=heed_ctrl_c, **pipes)


def heed_ctrl_c():
    """A test run started in the background ignores Ctrl-C, and its children would too."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def finish(process):
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return json.loads(out)


def wait_for_checkpoint(process, folder, size):
    """Until a cell of this width has been saved."""
    ids = [cell.id for cell in QUICK.cells if cell.name.startswith(size)]
    until = time.monotonic() + PATIENCE
    while not any((folder / "checkpoints" / f"{each}.ckpt").exists() for each in ids):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("straight")
    return folder, finish(start(folder))


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The parent killed with -9 while the largest trains; started again, stopped by Ctrl-C; then run to its end."""
    folder = tmp_path_factory.mktemp("killed")
    process = start(folder)
    wait_for_checkpoint(process, folder, "w24")
    process.kill()
    process.communicate(timeout=PATIENCE)  # returns when nobody holds the pipes any more: the training processes are gone too
    process = start(folder)
    wait_for_checkpoint(process, folder, "w16")
    process.send_signal(signal.SIGINT)
    _, output = process.communicate(timeout=PATIENCE)
    return folder, finish(start(folder)), (process.returncode, output)


def names(document):
    return [run["name"] for run in document["runs"]]


def losses(document):
    return {run["name"]: run["loss"] for run in document["runs"]}


def records(folder):
    from lightning_scaling.store import load

    return load(f"sqlite:///{folder}/mlflow.db")


def test_every_cell_of_the_design_is_listed(straight):
    assert sorted(names(straight[1])) == sorted(cell.name for cell in QUICK.cells)


def test_the_report_and_its_pictures_are_there(straight):
    folder, document = straight
    assert document["report"] == str(folder / "report.html")
    assert (folder / "report.html").stat().st_size > 50_000
    assert list(folder.glob("*.png"))


def test_all_runs_lie_in_one_experiment_the_ill_ones_in_a_family_of_their_own(straight):
    found = records(straight[0])
    assert {r.experiment for r in found} == {"demo"}
    assert sorted({r.family for r in found}) == ["quick", "quick-ill"]


def test_branches_are_billed_once(straight):
    bill = straight[1]["bill"]
    assert bill["flops"] == pytest.approx(QUICK.computed_flops)
    assert bill["paths_flops"] == pytest.approx(QUICK.flops)


def test_the_largest_size_is_predicted_beside_the_observed_loss(straight):
    largest = straight[1]["largest"]
    assert largest["low"] < largest["predicted"] < largest["high"]
    assert largest["observed"] == losses(straight[1])["w24 6e9"]


def test_the_approaches_and_the_next_runs_are_stated(straight):
    assert [row["approach"][0] for row in straight[1]["approaches"][:3]] == ["1", "2", "3"]
    assert straight[1]["next_runs"]


def test_ctrl_c_states_that_the_same_command_resumes(killed):
    code, output = killed[2]
    assert code == 130
    assert "The same command resumes" in output
    assert "Traceback" not in output


def test_killed_and_started_again_it_ends_in_the_same_numbers(straight, killed):
    assert losses(killed[1]) == losses(straight[1])
    assert killed[1]["largest"] == straight[1]["largest"]


def test_no_cell_has_two_runs_in_mlflow(killed):
    folder, document, _ = killed
    recorded = records(folder)
    assert sorted(r.name for r in recorded) == sorted(names(document))
    assert len(recorded.finished) == len(QUICK.cells)


def test_what_is_finished_is_not_trained_again(straight):
    folder, document = straight
    before = {r.key: r.extra["seconds"] for r in records(folder)}
    assert finish(start(folder)) == document
    assert {r.key: r.extra["seconds"] for r in records(folder)} == before


def test_a_missing_corpus_is_one_line_and_exit_code_2(tmp_path):
    process = start(tmp_path / "demo", "--corpus", str(tmp_path / "nowhere"))
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert "no corpus at" in err
