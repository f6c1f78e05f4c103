"""The model and its training: causal, starting from the uniform guess, with a rate that rises and falls as declared."""

import math
from dataclasses import replace

import pytest
import torch

from lightning_scaling.ladder.cell import Cell, Shape
from lightning_scaling.ladder.gpt import GPT, ByteModel
from lightning_scaling.ladder.windows import TrainingWindows

HYPER = {"matrix_lr": 0.02, "embedding_lr": 0.03}
SIZE = {"width": 16, "depth": 1, "context": 64}
CELL = Cell("id", "w16", params=7168, steps=100, batch_tokens=128, size=SIZE, hyper=HYPER, schedule=Shape("linear", warmup=10))


def test_no_byte_sees_a_later_one():
    model, tokens = GPT(16), torch.randint(256, (1, 32), generator=torch.Generator().manual_seed(0))
    for name, weight in model.named_parameters():
        torch.nn.init.normal_(weight, std=0.1, generator=torch.Generator().manual_seed(len(name)))
    changed = tokens.clone()
    changed[0, 20] = (changed[0, 20] + 1) % 256
    before, after = model(tokens), model(changed)
    assert torch.equal(before[0, :20], after[0, :20])
    assert not torch.equal(before[0, 20:], after[0, 20:])


def test_training_starts_at_the_loss_of_a_uniform_guess():
    batch = next(iter(TrainingWindows(bytes(range(256)) * 40, 64, 2, 1)))
    assert ByteModel(CELL).loss(batch).item() == pytest.approx(math.log(256), rel=0.02)


def test_the_same_seed_starts_with_the_same_weights():
    first, again, other = (torch.cat([p.flatten() for p in ByteModel(replace(CELL, seed=seed)).parameters()]) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_rates_are_those_of_the_cell():
    made = ByteModel(CELL).configure_optimizers()
    optimizer, scheduler, seen = made["optimizer"], made["lr_scheduler"]["scheduler"], []
    for _ in range(CELL.steps):
        seen.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    assert seen == [pytest.approx([0.03 * CELL.lr_share(i), 0.02 * CELL.lr_share(i)]) for i in range(CELL.steps)]


def test_the_model_has_the_parameters_of_its_cell():
    assert sum(p.numel() for p in ByteModel(CELL).parameters()) == CELL.params


def test_every_weight_is_trained_once():
    model = ByteModel(CELL)
    optimizer = model.configure_optimizers()["optimizer"]
    trained = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(trained) == sorted(id(p) for p in model.parameters())
