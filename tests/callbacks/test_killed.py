"""A training that is killed in the middle of anything and resumed ends like one that was not: counts, curve and MLflow history."""

import random
import signal

import pytest

EPOCHS = 6
# No fifth step validates: a checkpoint between a step and its validation makes Lightning skip that validation on resume.
SAVED = ("--save-every", 5)
SOME, MANY = 1, 30


def moment(seed):
    """By turns: any time at all, after a batch, within a validation, when a checkpoint is about to be written."""
    rng = random.Random(seed)
    if seed % 4 == 0:
        return "--die-after", f"{rng.uniform(0.0, 0.6):.3f}"
    times = {"on_train_batch_end": EPOCHS * 5, "on_validation_batch_start": EPOCHS * 2, "on_save_checkpoint": EPOCHS}
    hook = list(times)[seed % 4 - 1]
    return "--signal-in", hook, "--signal-at", rng.randrange(1, times[hook])


@pytest.fixture(scope="module")
def straight(tmp_path_factory, run_script, new_store):
    folder = tmp_path_factory.mktemp("straight")
    _, reported = run_script(folder, "--epochs", EPOCHS, "--store", new_store(folder))
    return reported, history(folder)


def history(folder):
    """(step, tokens) of every point in the store's only run."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    experiment = client.get_experiment_by_name("lightning-scaling")
    (run,) = client.search_runs([experiment.experiment_id])
    return sorted((m.step, m.value) for m in client.get_metric_history(run.info.run_id, "scaling/tokens"))


@pytest.mark.parametrize("seed", [*range(SOME), *(pytest.param(s, marks=pytest.mark.slow) for s in range(SOME, MANY))])
def test_kill_9_at_a_random_moment_and_resume(seed, straight, tmp_path, run_script, new_store):
    expected, points = straight
    store = new_store(tmp_path)
    killed, _ = run_script(tmp_path, "--epochs", EPOCHS, "--store", store, *SAVED, *moment(seed))
    assert killed == -signal.SIGKILL
    code, reported = run_script(tmp_path, "--epochs", EPOCHS, "--store", store, *SAVED, "--resume", tmp_path / "last.ckpt")
    assert code == 0, (tmp_path / "printed.txt").read_text()[-3000:]
    assert reported["reported"] == expected["reported"]
    assert reported["tokens"] == expected["tokens"]
    assert reported["loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert history(tmp_path) == points


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_and_a_resume(name, training, tmp_path, run_script):
    _, reported = run_script(tmp_path, "--epochs", 3, "--signal-at", 8, "--signal", name)
    assert reported is None
    code, reported = run_script(tmp_path, "--epochs", 3, "--resume", tmp_path / "last.ckpt")
    assert code == 0, (tmp_path / "printed.txt").read_text()[-3000:]
    assert reported["reported"]["tokens_trained"] == 3 * 20 * training.LENGTH
