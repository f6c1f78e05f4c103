"""Lightning Fabric: the hooks of a loop written with it count, judge, stop and resume; on two processes they count both."""

import copy
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch

from lightning_scaling.callbacks.fabric import ScalingLawFabricCallback

EPOCHS, ROWS = 3, 18  # batches of 4, 4, 4, 4 and 2 rows
SCRIPT = Path(__file__).parent / "fabric_loop.py"


@pytest.fixture(autouse=True)
def _judged(judged_at_once):
    pass


@pytest.fixture
def loop(training, tmp_path):
    """A loop as one writes it with Fabric."""
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        import fabric_loop
    finally:
        sys.path.pop(0)
    return lambda callback, **options: fabric_loop.train(tmp_path, callback, **{"epochs": EPOCHS, "rows": ROWS, **options})


def scaling(**options):
    return ScalingLawFabricCallback(**{"summary": False, **options})


def test_counts_are_exact_over_accumulation_and_an_uneven_last_batch(loop, training):
    callback = scaling()
    loop(callback, accumulate=2)
    assert callback.record.tokens_trained == EPOCHS * ROWS * training.LENGTH
    assert callback.record.flops_spent == 6 * training.PARAMS * EPOCHS * ROWS * training.LENGTH


def test_points_stand_at_validations(loop, training):
    callback = scaling()
    loop(callback)
    assert callback.curve.tokens.tolist() == [epoch * ROWS * training.LENGTH for epoch in (1, 2, 3)]
    assert callback.curve.step.tolist() == [5, 10, 15]
    assert callback.record.conventions.loss == "val_loss"


def test_the_token_budget_and_the_schedule_reach_to_max_steps(loop, training):
    callback = scaling()
    loop(callback, max_steps=60)
    assert callback.record.planned_tokens == 4 * EPOCHS * ROWS * training.LENGTH
    assert callback.curve.schedule.step[-1] == 60
    assert callback.curve.schedule.at(60) == pytest.approx(0, abs=1e-9)


def test_a_resume_is_exact_also_with_another_batch_size(loop, training, tmp_path):
    first, second = scaling(), scaling()
    with pytest.raises(KeyError):
        loop(first, save_at=7, fail_at=9)
    loop(second, resume=True, batch=3, epochs=1)
    trained_before = ROWS + 2 * 4
    assert second.record.tokens_trained == (trained_before + ROWS) * training.LENGTH
    assert second.record.key == first.record.key
    assert second.curve.tokens[0] == first.curve.tokens[0]


def test_an_error_interrupts_the_run(loop):
    callback = scaling()
    with pytest.raises(KeyError):
        loop(callback, fail_at=9)
    assert callback.record.state.name == "INTERRUPTED"


def test_without_validation_the_training_loss_is_followed_under_its_name(loop):
    callback = scaling()
    with pytest.warns(UserWarning, match="the smoothed training loss is followed"):
        loop(callback, epochs=10, validate=False, max_steps=50)
    assert callback.record.conventions.loss == "train_loss"


def test_a_verdict_ends_the_loop(loop, training, monkeypatch):
    monkeypatch.setattr("lightning_scaling.monitor.stopping.Stopper.decide", lambda *_: True)
    callback = scaling(stop=True)
    loop(callback)
    assert callback.should_stop
    assert callback.record.tokens_trained == ROWS * training.LENGTH


def test_hooks_before_the_start_are_refused():
    with pytest.raises(ValueError, match="on_train_start"):
        scaling().on_train_batch_start(torch.zeros(2, 8, dtype=torch.long))


def test_a_model_is_needed_before_the_first_step():
    callback = scaling()
    callback.on_train_start()
    with pytest.raises(ValueError, match="number of parameters is not known"):
        callback.on_train_batch_start(torch.zeros(2, 8, dtype=torch.long))


@pytest.mark.parametrize("part", ["begin_batch", "end_batch", "optimizer_step", "validated", "sync", "state_dict", "finish"])
def test_a_failing_part_ends_no_training(part, loop, monkeypatch):
    def broken(*_, **__):
        raise OSError("broken")

    monkeypatch.setattr(f"lightning_scaling.monitor.run_monitor.RunMonitor.{part}", broken)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loop(scaling(), save_at=3)
    assert any("failed and is switched off" in str(each.message) for each in caught)


def test_a_copy_keeps_the_options_and_the_readings(loop, training):
    callback = scaling(monitor="val_loss")
    loop(callback)
    copied = copy.deepcopy(callback)
    assert copied.options.monitor == "val_loss"
    assert copied.record.tokens_trained == EPOCHS * ROWS * training.LENGTH


@pytest.mark.slow
def test_two_processes_count_the_tokens_of_both(training, tmp_path):
    launch = ["-m", "torch.distributed.run", "--nproc-per-node=2", "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0"]
    command = [sys.executable, *launch, str(SCRIPT), str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [int(n) for n in (tmp_path / "tokens-0.txt").read_text().split()]
    assert found == [2 * 16 * training.LENGTH, 16 * training.LENGTH]  # at the end, and in the checkpoint of the first epoch
    assert (tmp_path / "tokens-1.txt").read_text() == "None"


def test_a_loop_measures_the_loss_of_averaged_weights(training):
    callback, module = ScalingLawFabricCallback(averaging="device", store=None, summary=False), training.model_class()()
    (optimizer,), _ = module.configure_optimizers()
    batches = list(training.loader(240))
    callback.on_train_start(model=module, optimizer=optimizer, max_steps=len(batches))
    for index, batch in enumerate(batches):
        callback.on_train_batch_start(batch, index)
        module.loss(batch).backward()
        callback.on_before_optimizer_step(optimizer)
        optimizer.step()
        optimizer.zero_grad()
        callback.on_train_batch_end(batch=batch, batch_idx=index)
        if index % 5 == 4:
            callback.on_validation_end(module.loss(batch).item(), callback.averaged(lambda: module.loss(batches[0]).item()))
    callback.on_train_end()
    averaged = callback.curve.averaged_loss
    assert 4 <= (averaged == averaged).sum() <= 16
    assert callback.averaged(lambda: 1.0) != callback.averaged(lambda: 1.0)  # NaN: training is over
