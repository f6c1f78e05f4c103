"""A step counted on a copy without data equals torch's exact count, and leaves no trace on the model or the random numbers."""

import random
import warnings
from collections import OrderedDict, UserDict, namedtuple
from dataclasses import dataclass

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader

from lightning_scaling.accounting import FlopsOutcome, flops_rule
from lightning_scaling.accounting.measured import measure_step

IDS = torch.zeros(2, 128, dtype=torch.long)


def test_a_measured_gpt_is_the_attention_rule_to_the_operation(gpt):
    measured = flops_rule("measured", gpt(), 1, batch=IDS)
    assert measured.name == "measured"
    assert measured.flops(256) == flops_rule("6N+attention", gpt(), 1).flops(256, 128)


def test_the_count_goes_with_the_tokens(gpt):
    rule = flops_rule("measured", gpt(), 1, batch=IDS)
    assert rule.flops(128) * 2 == rule.flops(256) == rule.flops(512) // 2


class Net(pl.LightningModule):
    """A vision model with everything a training step may do to its surroundings."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.Linear(8 * 64, 10)
        )
        self.steps = 0

    def training_step(self, batch, index):
        self.steps += 1
        noise = random.random() + np.random.rand() + torch.rand(1).item()
        loss = functional.cross_entropy(self.body(batch["image"]), batch["label"]) + noise
        self.log("loss", loss)
        return {"loss": loss}


BATCH = {"image": torch.rand(4, 3, 8, 8), "label": torch.zeros(4, dtype=torch.long), "name": ["a"] * 4}


def test_a_convolution_is_measured_per_example():
    rule = flops_rule("measured", Net(), 1, batch=BATCH, tokens="samples")
    # The first layer needs no gradient of its input: 4 operations a weight and place instead of 6.
    assert rule.flops(1) == 4 * 64 * 27 * 8 + 6 * 512 * 10


def test_measuring_leaves_model_batch_and_random_numbers_alone():
    net = Net()
    weights = {name: value.clone() for name, value in net.state_dict().items()}
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    measure_step(net, BATCH)
    assert (torch.get_rng_state() == states[0]).all()
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states[1:]
    assert net.steps == 0
    assert all(p.grad is None and p.device.type == "cpu" for p in net.parameters())
    assert all(torch.equal(value, weights[name]) for name, value in net.state_dict().items())


@dataclass(frozen=True)
class Example:
    """A batch that is not a dict."""

    image: torch.Tensor
    label: torch.Tensor


class Takes(nn.Linear):
    """Takes its input out of any container."""

    def forward(self, batch):
        image = batch.image if hasattr(batch, "image") else batch[0] if isinstance(batch, tuple | list) else batch["image"]
        return super().forward(image)


X = torch.ones(3, 4)
Pair = namedtuple("Pair", ["image", "label"])
CONTAINERS = [{"image": X}, UserDict(image=X), OrderedDict(image=X), Example(X, X), Pair(X, X), (X, X), [X, "name"]]


@pytest.mark.parametrize("batch", CONTAINERS, ids=lambda batch: type(batch).__name__)
def test_batches_of_any_kind_are_measured_and_left_as_they_are(batch):
    assert measure_step(Takes(4, 8), batch).model == 4 * 3 * 4 * 8
    image = batch.image if hasattr(batch, "image") else batch[0] if isinstance(batch, tuple | list) else batch["image"]
    assert image is X


def test_a_module_in_training_is_measured_without_its_trainer(tmp_path):
    class Look(pl.Callback):
        def on_train_batch_start(self, trainer, module, batch, index):
            self.step = measure_step(module, batch)

    class Small(Net):
        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    look, net = Look(), Small()
    settings = dict(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning's advice on loaders
        pl.Trainer(max_steps=1, callbacks=look, default_root_dir=tmp_path, **settings).fit(net, DataLoader([BATCH], batch_size=None))
    assert look.step.model == 4 * (4 * 64 * 27 * 8 + 6 * 512 * 10)
    assert net.steps == 1


def test_a_recurrent_network_is_measured():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.cell, self.out = nn.Embedding(100, 32), nn.LSTM(32, 64, batch_first=True), nn.Linear(64, 100)

        def forward(self, ids):
            return self.out(self.cell(self.table(ids))[0]).mean()

    weights = 4 * 64 * (32 + 64) + 64 * 100
    assert flops_rule("measured", Recurrent(), 1, batch=IDS).flops(256) == pytest.approx(6 * weights * 256, rel=0.01)


def test_recomputed_work_is_hardware_not_model(gpt):
    plain, again = (flops_rule("measured", gpt(layers=12, recompute=r), 1, batch=IDS) for r in (False, True))
    assert again.flops(256) == plain.flops(256) == plain.hardware_flops(256)
    # All of a block but its last matrix, which torch stops before: at most a third of the model's work.
    assert 1.15 < again.hardware_flops(256) / again.flops(256) < 4 / 3


def test_a_compiled_model_is_measured_as_it_was(gpt):
    model = nn.Sequential(torch.compile(gpt(), backend="eager"))
    assert flops_rule("measured", model, 1, batch=IDS).flops(256) == flops_rule("6N+attention", gpt(), 1).flops(256, 128)


class Reads(nn.Linear):
    """Looks at values."""

    def forward(self, x):
        return super().forward(x) * (2 if x.sum() > 0 else 1)


def test_a_small_model_that_looks_at_values_is_measured_on_a_copy_with_data():
    model, batch = Reads(4, 4, bias=False), torch.ones(2, 4)
    assert flops_rule("measured", model, 16, batch=batch, tokens="samples").flops(2) == 2 * 2 * 2 * 16  # no gradient of the input
    assert model.weight.grad is None
    large = Reads(1500, 1500)
    assert flops_rule("measured", large, 1, batch=torch.ones(2, 1500), tokens="samples").outcome is FlopsOutcome.NOT_MEASURED


class Asks(nn.Linear):
    """Answers with something that is no loss."""

    def forward(self, x):
        return "done"


class Nothing(nn.Linear):
    """Multiplies no matrices."""

    def forward(self, x):
        return self.weight.sum() + x.sum()


@pytest.mark.parametrize(("kind", "outcome"), [(Asks, FlopsOutcome.NOT_MEASURED), (Nothing, FlopsOutcome.COUNTED_NOTHING)])
def test_what_cannot_be_measured_falls_back_to_6n_and_is_reported(kind, outcome):
    rule = flops_rule("measured", kind(4, 4), 20, batch=torch.ones(2, 4), tokens="samples")
    assert (rule.name, rule.outcome, rule.fell_back) == ("6N", outcome, True)
    assert rule.flops(10) == 6 * 20 * 10
    assert bool(rule.note) == (outcome is FlopsOutcome.NOT_MEASURED)


def test_without_a_batch_nothing_is_measured(gpt):
    assert "no batch" in flops_rule("measured", gpt(), 1).note


class Checks(nn.Linear):
    """Looks at values unless it is being traced, as library models do."""

    def forward(self, x):
        traced = type(x).__name__ == "FakeTensor" or type(self.weight).__name__ == "FakeTensor"
        if not traced and bool(x.isnan().any()):
            raise AssertionError
        return super().forward(x).sum()


def test_a_model_that_checks_values_unless_traced_is_measured():
    assert measure_step(Checks(4, 8), torch.ones(3, 4)).model == 4 * 3 * 4 * 8


class Stepless(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(50, 8), nn.Linear(8, 50)

    def loss(self, ids):
        return self.head(self.table(ids)).sum()


class ByName(Stepless):
    def forward(self, input_ids, labels=None):
        return self.loss(input_ids)


class ByAnyName(Stepless):
    def forward(self, **named):
        return self.loss(named["input_ids"])


class Whole(Stepless):
    def forward(self, batch):
        return self.loss(batch["input_ids"])


class OneArgument(Stepless):
    def training_step(self, batch):
        return self.loss(batch["input_ids"])


class Fetching(Stepless):
    def training_step(self, dataloader_iter):
        batch, _, _ = next(dataloader_iter)
        return self.loss(batch["input_ids"])


@pytest.mark.parametrize("kind", [ByName, ByAnyName, Whole, OneArgument, Fetching])
def test_a_step_of_any_signature_is_measured(kind):
    # The table's rows are looked up and their gradient is none of a product: the head takes six operations a weight.
    assert flops_rule("measured", kind(), 1, batch={"input_ids": IDS, "labels": IDS}).flops(1) == 6 * 8 * 50
