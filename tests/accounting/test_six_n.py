"""6N where not every weight takes six operations: frozen weights, adapters, examples instead of tokens."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from lightning_scaling.accounting import FlopsOutcome, choose, count_parameters, flops_rule

LENGTH = 16


def exact(run):
    with FlopCounterMode(display=False) as counter:
        run().sum().backward()
    return counter.get_total_flops()


def six_n(model, convention="total", **settings):
    return flops_rule("6N", model, choose(count_parameters(model), convention), **settings)


@pytest.mark.parametrize("convention", ["total", "non_embedding"])
def test_a_model_trained_whole_costs_six_per_parameter(gpt, convention):
    rule = six_n(gpt(), convention)
    assert rule.flops(10) == 60 * choose(count_parameters(gpt()), convention)
    assert (rule.outcome, rule.note, rule.warning) == (FlopsOutcome.AS_ASKED, "", "")


@pytest.mark.parametrize("tied", [None, "weight", "table"])
def test_adapters_cost_what_is_multiplied_and_not_six_per_frozen_parameter(lora, tied):
    model = lora(tied=tied, width=64, layers=6)
    ids = torch.empty(2, LENGTH, dtype=torch.long, device="meta")
    multiplied = exact(lambda: model(ids))
    assert six_n(model).flops(2 * LENGTH) == pytest.approx(multiplied, rel=0.04)
    assert 12 * LENGTH * choose(count_parameters(model), "total") > 1.3 * multiplied


def test_frozen_weights_cost_two_before_anything_is_trained_and_four_after(gpt):
    model = gpt(tied=None)
    model.requires_grad_(False)
    model.blocks[1].requires_grad_(True)
    sizes = [sum(p.numel() for p in part.parameters()) for part in (model.wte, model.wpe, *model.blocks, model.ln, model.lm_head)]
    words, places, first, second, third, norm, head = sizes
    assert six_n(model).flops(1) == 2 * (words + places + first) + 6 * second + 4 * (third + norm + head)
    assert six_n(model, "non_embedding").flops(1) == 2 * first + 6 * second + 4 * (third + norm)


def test_what_was_recognised_is_reported(lora):
    rule = six_n(lora())
    assert (rule.name, rule.outcome, rule.fell_back, rule.warning) == ("6N", FlopsOutcome.FROZEN, False, "")
    assert "frozen" in rule.note
    assert "FLOPs per parameter and token instead of 6" in rule.note


def test_a_convention_of_trained_weights_still_costs_the_forward_pass(lora):
    model = lora()
    assert six_n(model, "trainable").flops(1) == six_n(model, "total").flops(1)


def test_a_number_given_counts_as_given_with_one_warning(lora):
    model = lora(width=64, layers=6)
    rule = flops_rule("6N", model, 12_345)
    assert rule.flops(1) == 6 * 12_345
    assert rule.outcome is FlopsOutcome.DECLARED
    assert "1.5 times what the model's frozen weights" in rule.warning
    assert "params='total'" in rule.warning


class Vision(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.Flatten(), nn.Linear(4096, 4))

    def training_step(self, batch, index):
        return functional.cross_entropy(self.net(batch[0]), batch[1])


IMAGES = (torch.zeros(4, 3, 16, 16), torch.zeros(4, dtype=torch.long))


def test_examples_are_measured_where_no_rule_was_stated():
    model = Vision()
    rule = flops_rule(None, model, choose(count_parameters(model), "total"), batch=IMAGES, tokens="samples")
    assert (rule.name, rule.outcome, rule.warning) == ("measured", FlopsOutcome.AS_ASKED, "")
    assert rule.flops(4) == exact(lambda: model.training_step(IMAGES, 0))


def test_tokens_count_by_six_n_where_no_rule_was_stated(gpt):
    assert flops_rule(None, gpt(), 1000, batch=torch.zeros(2, 128, dtype=torch.long)).name == "6N"


@pytest.mark.parametrize("tokens", ["samples", 4, lambda batch: len(batch[0])])
@pytest.mark.parametrize("stated", ["6N", "6N+attention"])
def test_examples_by_six_n_are_warned_of_with_the_size_of_the_error(stated, tokens):
    model = Vision()
    rule = flops_rule(stated, model, params := choose(count_parameters(model), "total"), batch=IMAGES, tokens=tokens)
    assert (rule.name, rule.flops(4)) == ("6N", 24 * params)
    ratio = exact(lambda: model.training_step(IMAGES, 0)) / (24 * params)
    assert f"the step itself takes {ratio:.3g} times as many" in rule.warning
    assert "flops='measured'" in rule.warning


def test_tokens_of_the_users_own_that_fit_the_step_are_not_warned_of():
    model, batch = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64)), torch.zeros(2, 8, 64)
    rule = flops_rule("6N", model, choose(count_parameters(model), "total"), batch=batch, tokens=lambda each: each.shape[0] * each.shape[1])
    assert rule.warning == ""


def test_examples_that_cannot_be_measured_are_warned_of():
    class Demanding(Vision):
        def training_step(self, batch, index):
            raise RuntimeError("no step without a trainer")

    rule = flops_rule(None, Demanding(), 100, batch=IMAGES, tokens="samples")
    assert (rule.name, rule.outcome, rule.fell_back) == ("6N", FlopsOutcome.NOT_MEASURED, True)
    assert "no step without a trainer" in rule.warning
    assert flops_rule("6N", Demanding(), 100, batch=IMAGES, tokens="samples").outcome is FlopsOutcome.SAMPLES


def test_a_lazy_module_is_counted_by_its_number_until_it_has_shapes():
    assert flops_rule("6N", nn.Sequential(nn.LazyLinear(4)), 100).flops(1) == 600
