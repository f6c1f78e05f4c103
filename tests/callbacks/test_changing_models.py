"""Models that change while they are trained, or hold more than is trained: N and FLOPs are those of each batch."""

import copy

import lightning.pytorch as pl
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from lightning_scaling.callbacks import ScalingLawMonitor

EMBEDDING, HEAD = 16 * 4, 16 * 4 + 16
BATCH = 4 * 8  # tokens
BATCHES = 5  # an epoch


def monitored(training, folder, module, epochs=1, validate=True, **options):
    monitor = ScalingLawMonitor(store=None, summary=False, **options)
    loaders = [training.loader(), training.loader(8)] if validate else [training.loader()]
    training.trainer(folder, [monitor], max_epochs=epochs).fit(module, *loaders)
    return monitor


def flops(monitor):
    return monitor.record.extra["flops_spent"]


class Unfreezes:
    """Trains the head alone in the first epoch."""

    def on_train_epoch_start(self):
        self.embed.requires_grad_(self.current_epoch > 0)


def test_weights_unfrozen_between_epochs_count_from_the_next_batch(training, tmp_path):
    module = type("Late", (Unfreezes, training.model_class()), {})()
    head_only, all_of_it = 2 * EMBEDDING + 6 * HEAD, 6 * (EMBEDDING + HEAD)
    assert flops(monitored(training, tmp_path, module, epochs=3)) == BATCHES * BATCH * (head_only + 2 * all_of_it)


def test_weights_frozen_within_an_epoch_count_from_the_next_batch(training, tmp_path):
    class Freezes(training.model_class()):
        def on_train_batch_start(self, batch, batch_idx):
            self.embed.requires_grad_(self.global_step < 2)

    head_only, all_of_it = 2 * EMBEDDING + 6 * HEAD, 6 * (EMBEDDING + HEAD)
    assert flops(monitored(training, tmp_path, Freezes(), epochs=2)) == BATCH * (3 * all_of_it + 7 * head_only)


def test_a_measured_step_is_measured_again_when_weights_are_unfrozen(training, tmp_path):
    class Late(Unfreezes, training.model_class()):
        def __init__(self):
            super().__init__()
            self.between = nn.Linear(4, 4)

        def loss(self, batch):
            return nn.functional.cross_entropy(self.head(self.between(self.embed(batch[0]))).flatten(0, 1), batch[1].flatten())

    def step(frozen):
        module = Late()
        module.embed.requires_grad_(not frozen)
        with FlopCounterMode(display=False) as counter:
            module.loss(next(iter(training.loader()))).backward()
        return counter.get_total_flops()

    monitor = monitored(training, tmp_path, Late(), epochs=2, flops="measured")
    assert flops(monitor) == BATCHES * (step(True) + step(False))
    assert step(True) < step(False)


@pytest.mark.parametrize("name", ["ema", "target_net"])
def test_a_copy_that_no_optimiser_holds_is_not_n_though_it_is_not_frozen(training, tmp_path, name):
    class Copied(training.model_class()):
        def __init__(self):
            super().__init__()
            self.model = nn.Sequential(self.embed, self.head)
            self.add_module(name, nn.ModuleDict({"net": copy.deepcopy(self.model)}))

        def configure_optimizers(self):
            return torch.optim.SGD(self.model.parameters(), 0.1)

    monitor = monitored(training, tmp_path, Copied())
    assert (monitor.record.params, monitor.record.groups["copies"]) == (EMBEDDING + HEAD, EMBEDDING + HEAD)
    assert flops(monitor) == 6 * BATCHES * BATCH * (EMBEDDING + HEAD)


class Adversaries(pl.LightningModule):
    """A generator and a discriminator under manual optimisation, whose step returns no loss."""

    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.generate, self.judge = nn.Linear(4, 4, bias=False), nn.Linear(4, 1, bias=False)

    def configure_optimizers(self):
        return [torch.optim.SGD(net.parameters(), 0.01) for net in (self.generate, self.judge)]

    def training_step(self, batch, batch_idx):
        scale = 1 / self.trainer.world_size
        for optimizer, loss in zip(self.optimizers(), (self.fooled, self.found), strict=True):
            self.toggle_optimizer(optimizer)
            optimizer.zero_grad()
            self.manual_backward(scale * loss(batch[0]))
            optimizer.step()
            self.untoggle_optimizer(optimizer)

    def fooled(self, noise):
        return self.judge(self.generate(noise)).mean()

    def found(self, noise):
        return -self.judge(self.generate(noise).detach()).mean()


def test_a_step_under_manual_optimisation_is_measured_and_without_a_loss_nothing_is_judged(training, tmp_path, capsys):
    monitor = ScalingLawMonitor(store=None, summary=False, tokens="samples")
    rows = DataLoader(TensorDataset(torch.randn(96, 4)), 8)
    training.trainer(tmp_path, [monitor], max_epochs=1).fit(Adversaries(), rows)
    generate, judge = 2 * 4 * 4, 2 * 4  # one product a row
    fooled = generate + judge + judge + generate  # no gradient of the judge's own weights, none of the noise
    found = generate + judge + judge
    assert flops(monitor) == 96 * (fooled + found)
    assert (len(monitor.curve), monitor.advice) == (0, None)
    printed = capsys.readouterr().out
    assert "the training step returns none" in printed
    assert "INVESTIGATE" not in printed


def test_a_validation_loss_that_is_logged_late_takes_over_from_the_training_loss(training, tmp_path, capsys):
    class Late(training.model_class()):
        def validation_step(self, batch, batch_idx):
            if self.current_epoch >= 2:
                self.log("val_loss", self.loss(batch))

    monitor = monitored(training, tmp_path, Late(), epochs=4)
    assert "the validation logged nothing" in capsys.readouterr().out
    assert (monitor.record.conventions.loss, len(monitor.curve)) == ("val_loss", 2)
