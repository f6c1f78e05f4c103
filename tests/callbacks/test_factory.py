"""The monitor that an environment variable attaches: on every Trainer(), only when asked, and never beside another one."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from lightning_scaling.callbacks import ScalingLawMonitor, factory

FLAVOURS = ["lightning.pytorch", "pytorch_lightning"]


def monitors(trainer):
    return [c for c in trainer.callbacks if isinstance(c, ScalingLawMonitor)]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_both_lightnings_find_the_factory(flavour):
    found = {e.name: e.value for e in entry_points(group=f"{flavour}.callbacks_factory")}
    assert found["lightning-scaling"] == "lightning_scaling.callbacks.factory:callbacks"


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_without_the_variable_a_trainer_has_no_monitor(training, tmp_path, flavour):
    assert monitors(training.trainer(tmp_path, flavour=flavour)) == []


def test_without_the_variable_nothing_is_imported():
    code = "import sys; from lightning_scaling.callbacks.factory import callbacks; print(callbacks(), 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == ["[]", "False"]


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_with_the_variable_a_trainer_is_monitored(training, tmp_path, monkeypatch, flavour):
    monkeypatch.setenv("LIGHTNING_SCALING", "1")
    monkeypatch.setenv("LIGHTNING_SCALING_FAMILY", "gpt")
    trainer = training.trainer(tmp_path, flavour=flavour, max_epochs=1)
    (monitor,) = monitors(trainer)
    trainer.fit(training.model_class(flavour)(), training.loader(), training.loader(8))
    assert monitor.record.family == "gpt"
    assert monitor.record.tokens_trained == 20 * training.LENGTH


def test_the_automatic_monitor_steps_aside_for_one_attached_by_hand(training, tmp_path, monkeypatch):
    monkeypatch.setenv("LIGHTNING_SCALING", "1")
    by_hand = ScalingLawMonitor(summary=False)
    trainer = training.trainer(tmp_path, by_hand, max_epochs=1)
    trainer.fit(training.model_class()(), training.loader(), training.loader(8))
    automatic = next(m for m in monitors(trainer) if m is not by_hand)
    assert automatic.record is None
    assert by_hand.record.tokens_trained == 20 * training.LENGTH


def test_a_checkpoint_by_hand_serves_the_automatic_monitor(training, tmp_path, monkeypatch):
    trainer = training.trainer(tmp_path, ScalingLawMonitor(summary=False), max_epochs=1)
    trainer.fit(training.model_class()(), training.loader(), training.loader(8))
    trainer.save_checkpoint("end.ckpt")
    monkeypatch.setenv("LIGHTNING_SCALING", "1")
    trainer = training.trainer(tmp_path, max_epochs=3)
    trainer.fit(training.model_class()(), training.loader(), training.loader(8), ckpt_path="end.ckpt")
    assert monitors(trainer)[0].record.tokens_trained == 3 * 20 * training.LENGTH


def test_uncountable_batches_leave_an_automatically_monitored_training_alone(training, tmp_path, monkeypatch, capsys):
    class Odd(training.model_class()):
        def training_step(self, batch, batch_idx):
            return self.loss(batch["data"][0].pair)

    class Pair:
        def __init__(self, pair):
            self.pair = pair

    class Batches:
        def __iter__(self):
            return iter({"data": [Pair(pair)]} for pair in training.loader())

    monkeypatch.setenv("LIGHTNING_SCALING", "1")
    trainer = training.trainer(tmp_path, max_epochs=1)
    trainer.fit(Odd(), Batches())
    assert trainer.global_step == 5
    assert "this training is not monitored" in capsys.readouterr().out


def test_a_wrong_option_is_told_of_and_raises_nothing(monkeypatch):
    monkeypatch.setenv("LIGHTNING_SCALING", "1")
    monkeypatch.setenv("LIGHTNING_SCALING_PARAMS", "everything")
    with pytest.warns(UserWarning, match="no monitor could be attached: LIGHTNING_SCALING_PARAMS"):
        assert factory.callbacks() == []
