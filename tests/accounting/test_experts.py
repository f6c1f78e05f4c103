"""Of a mixture of experts those count that a token meets; checked against what transformers' models really multiply."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lightning_scaling.accounting import FlopsOutcome, choose, count_parameters, flops_rule

transformers = pytest.importorskip("transformers")

SIZES = dict(
    vocab_size=256,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=4,
    max_position_embeddings=64,
    bos_token_id=0,
    eos_token_id=0,
    pad_token_id=0,
)
LATENT = dict(q_lora_rank=16, kv_lora_rank=16, qk_rope_head_dim=8, qk_nope_head_dim=8, v_head_dim=8, n_group=1, topk_group=1)
ROUTED = dict(num_experts_per_tok=2, moe_intermediate_size=32)
MODELS = {
    "Mixtral": dict(num_local_experts=8, num_experts_per_tok=2),
    "Qwen2Moe": dict(num_experts=8, shared_expert_intermediate_size=32, **ROUTED),
    "Qwen3Moe": dict(num_experts=8, head_dim=8, **ROUTED),
    "DeepseekV2": dict(n_routed_experts=8, n_shared_experts=1, first_k_dense_replace=1, head_dim=8, **ROUTED, **LATENT),
    "DeepseekV3": dict(n_routed_experts=8, n_shared_experts=1, first_k_dense_replace=1, **ROUTED, **LATENT),
    "Olmoe": dict(num_experts=8, num_experts_per_tok=2),
    "GraniteMoe": dict(num_local_experts=8, num_experts_per_tok=2),
    "JetMoe": dict(num_local_experts=8, num_experts_per_tok=2, kv_channels=8, num_key_value_heads=2),
    "Ernie4_5_Moe": dict(moe_num_experts=8, moe_k=2, moe_intermediate_size=32, moe_num_shared_experts=1),
    "HunYuanMoEV1": dict(num_experts=8, moe_topk=2, head_dim=8),
}
IDS = torch.arange(64).reshape(2, 32)
BATCH = {"input_ids": IDS, "labels": IDS}


def made(kind):
    config = getattr(transformers, f"{kind}Config")(**{**SIZES, **MODELS[kind]})
    config._attn_implementation, config._experts_implementation = "eager", "eager"
    torch.manual_seed(0)
    return getattr(transformers, f"{kind}ForCausalLM")(config)


def exact(model):
    with FlopCounterMode(display=False) as counter:
        model(**BATCH).loss.backward()
    return counter.get_total_flops()


def total(model):
    return choose(count_parameters(model), "total")


@pytest.mark.parametrize("kind", MODELS)
def test_the_attention_rule_is_what_a_mixture_really_multiplies(kind):
    model = made(kind)
    rule = flops_rule("6N+attention", model, total(model))
    assert rule.name == "6N+attention"
    assert rule.warning == ""
    assert rule.flops(64, 32) == pytest.approx(exact(model), rel=0.01)


@pytest.mark.parametrize("kind", ["Mixtral", "DeepseekV3"])
def test_a_mixture_is_measured_exactly(kind):
    model = made(kind)
    rule = flops_rule("measured", model, total(model), batch=BATCH)
    assert rule.name == "measured"
    assert rule.flops(64) == pytest.approx(exact(model), rel=0.01)
    assert model.config._experts_implementation == "eager"


def test_both_n_are_reported_and_six_n_counts_the_active_one():
    model = made("Mixtral")
    groups, experts = count_parameters(model), 2 * 8 * 3 * 32 * 64
    assert groups["inactive_experts"] == experts * 6 // 8
    assert choose(groups, "total") == sum(p.numel() for p in model.parameters())
    assert choose(groups, "active") == choose(groups, "total") - experts * 6 // 8
    rule = flops_rule("6N", model, choose(groups, "total"))
    assert rule.flops(10) == 60 * choose(groups, "active")
    assert (rule.outcome, rule.fell_back, rule.warning) == (FlopsOutcome.EXPERTS, False, "")
    assert "2 of 8 experts in 2 layers" in rule.note


class Router(nn.Module):
    def __init__(self, experts, **attributes):
        super().__init__()
        self.project = nn.Linear(8, experts, bias=False)
        vars(self).update(attributes)


class SparseMoE(nn.Module):
    """Experts in a list, a router beside them; what states its top-k differs."""

    def __init__(self, name="experts", router=None, **attributes):
        super().__init__()
        self.add_module(name, nn.ModuleList(nn.Linear(8, 8, bias=False) for _ in range(4)))
        self.router = router or Router(4)
        self.shared_experts = nn.ModuleList(nn.Linear(8, 8, bias=False) for _ in range(2))
        for attribute, value in attributes.items():
            setattr(self, attribute, value)


class DbrxExperts(nn.Module):
    """Experts stacked into two dimensions, as DBRX keeps them."""

    def __init__(self):
        super().__init__()
        self.moe_num_experts, self.moe_top_k = 4, 1
        self.w1 = nn.Parameter(torch.zeros(4 * 8, 8))


class Stacked(nn.Module):
    """A layer that no name gives away, only its number of experts."""

    def __init__(self):
        super().__init__()
        self.num_experts, self.top_k = 4, 1
        self.router, self.w1 = nn.Linear(8, 4, bias=False), nn.Parameter(torch.zeros(4, 8, 8))


class ByConfig(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.block = SparseMoE()


def namespace(**values):
    return type("Config", (), {})() if not values else type("Config", (), {"__init__": lambda self: vars(self).update(values)})()


EXPERT = 64
STATED = {
    "on the layer": (lambda: SparseMoE(top_k=1), 3 * EXPERT),
    "on the router": (lambda: SparseMoE(router=Router(4, k=2)), 2 * EXPERT),
    "in the class of the router": (lambda: SparseMoE(router=type("Top2Router", (Router,), {})(4)), 2 * EXPERT),
    "in a list under another name": (lambda: SparseMoE(name="mlps", top_k=1), 3 * EXPERT),
    "in the configuration": (lambda: ByConfig(namespace(num_experts_per_tok=1)), 3 * EXPERT),
    "in a configuration within": (lambda: ByConfig(namespace(text_config=namespace(moe_topk=[2]))), 2 * EXPERT),
    "in a dict": (lambda: ByConfig({"moe_top_k": 2}), 2 * EXPERT),
    "of stacked weights": (lambda: nn.Sequential(DbrxExperts()), 3 * EXPERT),
    "of stacked weights in the layer itself": (lambda: nn.Sequential(Stacked()), 3 * EXPERT),
    "under a name of its own": (lambda: SparseMoE(router=Router(4, n_activated=2)), 2 * EXPERT),
    "beside the number of experts": (lambda: ByConfig(namespace(num_experts=4, top_k=2)), 2 * EXPERT),
}


@pytest.mark.parametrize("place", STATED)
def test_the_top_k_is_found(place):
    make, inactive = STATED[place]
    assert count_parameters(make())["inactive_experts"] == inactive


def test_the_sampling_of_text_is_no_router():
    assert count_parameters(ByConfig(namespace(top_k=1)))["inactive_experts"] == 0


def test_a_top_k_that_is_not_stated_is_asked_for_with_the_size_of_the_error():
    model = SparseMoE()
    rule = flops_rule("6N", model, total(model))
    assert rule.outcome is FlopsOutcome.MIXTURE
    assert "4 per layer: up to 4 times too high" in rule.warning
    assert "active_params=" in rule.warning
    assert rule.flops(1) == 6 * total(model)
    declared = flops_rule("6N", model, total(model), active_params=100)
    assert (declared.flops(1), declared.warning, declared.outcome) == (600, "", FlopsOutcome.AS_ASKED)


def test_layers_of_a_model_named_after_its_mixture_are_no_experts():
    class MoEModel(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList(SparseMoE(top_k=1) for _ in range(3))

    assert count_parameters(MoEModel())["inactive_experts"] == 3 * 3 * EXPERT
