"""Averaged weights, teachers and references are no part of N; frozen layers are."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from lightning_scaling.accounting import choose, count_parameters, flops_rule
from lightning_scaling.accounting.copies import copies
from lightning_scaling.accounting.weights import weights


def net(width=8):
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))


SIZE = 2 * 72


class Two(nn.Module):
    """A trained model and something beside it."""

    def __init__(self, name, other):
        super().__init__()
        self.model = net()
        self.add_module(name, other(self.model))


def frozen_copy(model):
    return copy.deepcopy(model).requires_grad_(False)


def smaller(model):
    return net(4).requires_grad_(False)


COPIES = {
    "averaged model": ("swa_model", AveragedModel),
    "frozen copy": ("ema", frozen_copy),
    "frozen copy under any name": ("second", frozen_copy),
    "copies in a list": ("ema", lambda model: nn.ModuleList([frozen_copy(model[0]), frozen_copy(model[2])])),
    "teacher of another size": ("teacher", smaller),
    "reference of a preference loss": ("ref_model", frozen_copy),
    "policy of before": ("old_policy", smaller),
    "frozen copy in a wrapper": ("second", lambda model: nn.ModuleDict({"net": frozen_copy(model)})),
}


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_not_n(kind):
    model = Two(*COPIES[kind])
    groups = count_parameters(model)
    assert choose(groups, "total") == choose(groups, "non_embedding") == SIZE
    assert sum(groups.values()) == sum(p.numel() for p in model.parameters())


def first_block_frozen(model):
    model.requires_grad_(True)[0].requires_grad_(False)
    return model


OWN = {
    "frozen blocks in a list with trained ones": lambda: first_block_frozen(nn.ModuleList([net(), net()])),
    "frozen layer beside one of its shape": lambda: first_block_frozen(nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))),
    "frozen encoder of another structure": lambda: nn.ModuleDict({"encoder": net(4).requires_grad_(False), "decoder": net()}),
    "all frozen": lambda: Two("ema", frozen_copy).requires_grad_(False),
    "averaged model alone": lambda: AveragedModel(net()),
}


@pytest.mark.parametrize("kind", OWN)
def test_frozen_parts_of_the_model_are_n(kind):
    model = OWN[kind]()
    assert choose(count_parameters(model), "total") == sum(p.numel() for p in model.parameters())


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft asks transformers for it
def test_a_saved_original_beside_adapters_is_a_copy():
    peft, transformers = pytest.importorskip("peft"), pytest.importorskip("transformers")
    sizes = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2, vocab_size=50)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes))
    whole = sum(p.numel() for p in model.parameters())
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=2, target_modules=["q_proj"], modules_to_save=["lm_head"]))
    groups = count_parameters(adapted)
    assert groups["adapter"] == 2 * (16 + 16)
    assert choose(groups, "total") == whole + groups["adapter"]


def test_six_n_leaves_averaged_weights_out():
    rule = flops_rule("6N", Two("ema", frozen_copy), SIZE)
    assert (rule.flops(10), rule.warning) == (60 * SIZE, "")


def test_a_teacher_that_may_run_is_reported_with_its_cost():
    rule = flops_rule("6N", Two("teacher", frozen_copy), SIZE)
    assert rule.flops(10) == 60 * SIZE
    assert "if each step also runs it, FLOPs are 33 % higher than counted: flops='measured'" in rule.warning


def test_copies_are_named_outermost_first():
    model = nn.ModuleDict({"a": Two("ema", frozen_copy), "b": net()})
    assert copies(model, list(weights(model))) == ["a.ema"]


def test_sharing_weights_is_no_copy():
    model = nn.ModuleDict({"encoder": net(), "other": nn.Linear(2, 2)})
    model["again"] = model["encoder"]
    assert choose(count_parameters(model), "total") == SIZE + 6
    assert torch.equal(model["again"][0].weight, model["encoder"][0].weight)
