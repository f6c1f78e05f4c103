"""One cell through a real Trainer: stopped and resumed it ends as if it had never been stopped."""

import math

import pytest

from lightning_scaling.ladder.cells import make_ladder
from lightning_scaling.ladder.corpus import Corpus
from lightning_scaling.ladder.running import gathered
from lightning_scaling.ladder.training import Job, train_cell

pytestmark = pytest.mark.filterwarnings("ignore")

LADDER = make_ladder("test", (8,), 1.0, ((8, 2.0),), context=32, evaluations=12, validation_windows=8)
CELL = LADDER.cells[0]
TEXT = b"".join(b"def f%d(x): return x + %d\n" % (i, i * i) for i in range(6_000))


@pytest.fixture(scope="module")
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", autouse=True)
def every_validation_is_judged():
    """How many judgements a busy machine affords is not the subject here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lightning_scaling.monitor.budget.START", 1e9)
        patch.setattr("lightning_scaling.monitor.budget.MOST_AT_ONCE", 1e9)
        yield


@pytest.fixture(scope="module")
def straight(tmp_path_factory, one_thread):
    return record(trained(tmp_path_factory.mktemp("straight")))


@pytest.fixture(scope="module")
def resumed(tmp_path_factory, one_thread):
    """Stopped at step 50, which lies between two validations, then run to the end."""
    from lightning_scaling.ladder.interruption import Stopped

    job, seen = a_job(tmp_path_factory.mktemp("resumed")), []
    with pytest.raises(Stopped):
        train_cell(job, CELL, report=seen.append, stopping=lambda: seen[-1] == 50)
    assert job.checkpoint(CELL).exists()
    train_cell(job, CELL, report=seen.append)
    assert seen == list(range(1, CELL.steps + 1))
    assert not job.checkpoint(CELL).exists()
    return record(job)


def a_job(folder, seed=0):
    return Job(LADDER, Corpus("text", TEXT[:-20_000], TEXT[-20_000:]), seed, folder)


def trained(folder):
    job = a_job(folder)
    train_cell(job, CELL)
    return job


def record(job):
    return gathered(job, [CELL.name])[CELL.name]


def test_a_cell_ends_finished_in_the_store(straight):
    assert straight.state.name == "FINISHED"
    assert (straight.name, straight.conventions.tokenizer) == ("w8", "bytes")


def test_every_validation_is_a_point_and_the_last_one_is_the_end(straight):
    assert len(straight.curve) == CELL.evaluations
    assert straight.tokens == CELL.tokens


def test_flops_are_six_n_d_by_hand(straight):
    params = 256 * 8 + 3 * (8 * 24 + 8 * 8 + 8 * 32 + 32 * 8)
    assert straight.params == params
    assert straight.spent == 6 * params * CELL.tokens


def test_the_loss_falls_below_the_uniform_guess(straight):
    assert straight.loss < straight.curve.loss[0] < math.log(256)


def test_a_resumed_cell_ends_in_the_very_same_loss(straight, resumed):
    assert resumed.curve.loss.tolist() == straight.curve.loss.tolist()
    assert resumed.curve.tokens.tolist() == straight.curve.tokens.tolist()


def test_a_resumed_cell_made_the_same_forecasts(straight, resumed):
    made, expected = ([p.loss for p in run.predictions] for run in (resumed, straight))
    assert made == pytest.approx(expected, rel=1e-3, nan_ok=True)


def test_another_seed_or_corpus_is_another_family(tmp_path):
    job = a_job(tmp_path)
    other = Job(LADDER, Corpus("text", TEXT[:-30_000], TEXT[-30_000:]), 0, tmp_path)
    assert len({job.family, a_job(tmp_path, seed=1).family, other.family}) == 3
