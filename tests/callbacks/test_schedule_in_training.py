"""The plan read from a trainer, before, in the middle and after a resume, is what its optimiser then does."""

import warnings

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, GradientAccumulationScheduler, ModelCheckpoint
from torch.optim import lr_scheduler as schedulers
from torch.utils.data import DataLoader

from lightning_scaling.callbacks import ScalingLawMonitor
from lightning_scaling.callbacks.lightning_trainer import projected_schedule
from lightning_scaling.monitor.schedule import ScheduleOutcome


class Net(LightningModule):
    """Notes the rate of each optimiser step it makes."""

    def __init__(self, scheduler=None, interval="step", frequency=1, manual=False):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.made, self.settings, self.rates = scheduler, dict(interval=interval, frequency=frequency), []
        self.automatic_optimization = not manual

    def training_step(self, batch, index):
        return (self.weight * batch.mean()).sum() if self.automatic_optimization else None

    def on_before_optimizer_step(self, opt):
        self.rates.append(opt.param_groups[0]["lr"])

    def configure_optimizers(self):
        opt = torch.optim.SGD(self.parameters(), lr=0.1)
        return opt if self.made is None else {"optimizer": opt, "lr_scheduler": {"scheduler": self.made(opt), **self.settings}}


class Validated(Net):
    def val_dataloader(self):
        return DataLoader(torch.ones(2, 1))

    def validation_step(self, batch, index):
        pass


class Reader(Callback):
    def __init__(self, at=0):
        self.at, self.plan = at, None

    def on_train_start(self, trainer, module):
        if self.at == 0:
            self.plan = projected_schedule(trainer)

    def on_train_batch_end(self, trainer, module, *_):
        if self.plan is None and trainer.global_step >= self.at:
            self.plan = projected_schedule(trainer)


def fit(net, folder, reader=None, callbacks=(), batches=10, resume=None, data=None, **limits):
    reader = reader or Reader()
    quiet = dict(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, default_root_dir=folder)
    trainer = Trainer(callbacks=[reader, *callbacks], **{"enable_checkpointing": False, "num_sanity_val_steps": 0, **quiet, **limits})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on loaders and checkpoints
        trainer.fit(net, DataLoader(torch.ones(batches, 1)) if data is None else data, ckpt_path=resume)
    return trainer, reader.plan


def decay(opt):
    return schedulers.ExponentialLR(opt, 0.9)


FITS = {
    "steps": (dict(), dict(max_steps=25)),
    "epochs": (dict(interval="epoch"), dict(max_epochs=4)),
    "every second epoch": (dict(interval="epoch", frequency=2), dict(max_epochs=5)),
    "every third batch": (dict(frequency=3), dict(max_epochs=3)),
    "accumulation": (dict(), dict(max_epochs=3, accumulate_grad_batches=4)),
    "accumulation and frequency": (dict(frequency=3), dict(max_epochs=4, accumulate_grad_batches=4)),
    "steps before epochs": (dict(interval="epoch"), dict(max_epochs=9, max_steps=33)),
}


@pytest.mark.parametrize("name", FITS)
def test_the_plan_of_a_trainer_is_what_it_does(name, tmp_path):
    net = Net(decay, **FITS[name][0])
    trainer, plan = fit(net, tmp_path, **FITS[name][1])
    assert plan.total_steps == trainer.global_step == len(net.rates)
    np.testing.assert_allclose(plan.schedule.at(np.arange(len(net.rates))), net.rates, rtol=1e-9)


@pytest.mark.parametrize("at", [4, 7, 10, 13])
def test_the_plan_read_in_the_middle_is_what_follows(at, tmp_path):
    net = Net(decay, interval="epoch")
    trainer, plan = fit(net, tmp_path, Reader(at), max_epochs=4, batches=7)
    assert plan.total_steps == trainer.global_step
    np.testing.assert_allclose(plan.schedule.at(np.arange(at, len(net.rates))), net.rates[at:], rtol=1e-9)


def test_the_plan_after_a_resume_is_what_follows(tmp_path):
    first, _ = fit(Net(decay, frequency=2), tmp_path, max_steps=13)
    first.save_checkpoint(tmp_path / "kept.ckpt")
    net = Net(decay, frequency=2)
    _, plan = fit(net, tmp_path, max_steps=28, resume=tmp_path / "kept.ckpt")
    assert plan.schedule.step[0] == 13
    np.testing.assert_allclose(plan.schedule.at(np.arange(13, 28)), net.rates, rtol=1e-9)


@pytest.mark.parametrize("interval", ["step", "epoch"])
@pytest.mark.parametrize("when", [dict(every_n_epochs=1), dict(every_n_train_steps=7), dict(save_on_train_epoch_end=False)])
def test_the_plan_after_a_resume_from_any_checkpoint_is_what_follows(interval, when, tmp_path):
    keep = ModelCheckpoint(tmp_path, save_top_k=-1, **when)
    fit(Validated(decay, interval=interval), tmp_path, callbacks=[keep], enable_checkpointing=True, batches=7, max_epochs=2)
    kept = sorted(tmp_path.glob("*.ckpt"))
    assert kept
    for checkpoint in kept:
        net = Validated(decay, interval=interval)
        trainer, plan = fit(net, tmp_path, max_epochs=4, batches=7, resume=checkpoint)
        start = trainer.global_step - len(net.rates)
        assert plan.total_steps == trainer.global_step == 28
        np.testing.assert_allclose(plan.schedule.at(np.arange(start, 28)), net.rates, rtol=1e-9)


def test_a_change_of_accumulation_is_part_of_the_plan(tmp_path):
    net = Net(decay)
    trainer, plan = fit(net, tmp_path, callbacks=[GradientAccumulationScheduler({0: 1, 2: 5})], max_epochs=4)
    assert plan.total_steps == trainer.global_step == 10 + 10 + 2 + 2
    np.testing.assert_allclose(plan.schedule.at(np.arange(len(net.rates))), net.rates, rtol=1e-9)


class Stream(torch.utils.data.IterableDataset):
    """Data without a length."""

    def __iter__(self):
        return iter(torch.ones(100, 1))


def test_a_stream_is_planned_to_its_last_step(tmp_path):
    net = Net(decay, frequency=2)
    _, plan = fit(net, tmp_path, data=DataLoader(Stream()), max_steps=15, accumulate_grad_batches=3)
    assert (plan.outcome, plan.total_steps) == (ScheduleOutcome.READ, 15)
    np.testing.assert_allclose(plan.schedule.at(np.arange(15)), net.rates, rtol=1e-9)


def test_without_a_scheduler_the_rate_stays(tmp_path):
    _, plan = fit(Net(), tmp_path, max_steps=6)
    assert plan.outcome is ScheduleOutcome.CONSTANT
    assert plan.schedule.at([0, 6]).tolist() == [0.1, 0.1]
    assert plan.schedule.end == 6


def test_manual_optimisation_has_no_plan(tmp_path):
    _, plan = fit(Net(decay, manual=True), tmp_path, max_epochs=1)
    assert plan.outcome is ScheduleOutcome.MANUAL


def test_a_module_that_steps_its_scheduler_itself_has_no_plan(tmp_path):
    class Own(Net):
        def lr_scheduler_step(self, scheduler, metric):
            scheduler.step()

    _, plan = fit(Own(decay), tmp_path, max_steps=3)
    assert plan.outcome is ScheduleOutcome.OWN_STEPPING


def test_a_schedule_read_at_the_first_batch_of_a_resumed_fit_follows_its_epochs(tmp_path, capsys):
    keep = ModelCheckpoint(tmp_path, save_top_k=-1)
    fit(Validated(decay, interval="epoch"), tmp_path, callbacks=[keep], enable_checkpointing=True, batches=7, max_epochs=1)
    monitor = ScalingLawMonitor(store=None, tokens="samples", flops=lambda batch: 1, summary=False)  # the checkpoint holds no monitor
    net = Validated(decay, interval="epoch")
    fit(net, tmp_path, callbacks=[monitor], max_epochs=4, batches=7, resume=next(tmp_path.glob("*.ckpt")))
    assert "follows no scheduler" not in capsys.readouterr().out
    np.testing.assert_allclose(monitor.curve.schedule.at(np.arange(7, 28)), net.rates, rtol=1e-9)
