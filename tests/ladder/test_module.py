"""The model and its training: causal, starting from the uniform guess, with a rate that rises and falls as declared."""

import itertools
import math

import pytest
import torch
from lightning_scaling.ladder.cells import PRESETS

from lightning_scaling.ladder.gpt import GPT
from lightning_scaling.ladder.module import ByteModel, Warmcosine
from lightning_scaling.ladder.windows import TrainingWindows

CELL = PRESETS["quick"].cells[1]


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
    batch = next(iter(TrainingWindows(bytes(range(256)) * 40, CELL.context, CELL.windows, 1)))
    assert ByteModel(CELL).loss(batch).item() == pytest.approx(math.log(256), rel=0.02)


def test_the_same_seed_starts_with_the_same_weights():
    first, again, other = (torch.cat([p.flatten() for p in ByteModel(CELL, seed).parameters()]) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_rate_rises_to_its_peak_and_falls_to_a_twentieth():
    share = [Warmcosine(1000)(step) for step in range(1000)]
    assert share.index(max(share)) == pytest.approx(30, abs=1)
    assert share[-1] == pytest.approx(0.05)
    assert all(later <= earlier for earlier, later in itertools.pairwise(share[30:]))


def test_every_weight_is_trained_once():
    model = ByteModel(CELL)
    optimizer = model.configure_optimizers()["optimizer"]
    trained = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(trained) == sorted(id(p) for p in model.parameters())
