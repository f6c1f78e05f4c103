"""FLOPs by rule: 6N by hand, the attention rule against an exact count on meta tensors."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lightning_scaling.accounting import FlopsOutcome, choose, count_parameters, flops_rule

# From 25k to 124M parameters.
SIZES = {
    "25k": dict(words=256, width=32, layers=1, heads=4),
    "250k": dict(words=256, width=64, layers=4, heads=8),
    "3M": dict(words=256, width=192, layers=7, heads=6),
    "30M": dict(words=50_257, width=384, layers=6, heads=6),
    "124M": dict(words=50_257, width=768, layers=12, heads=12),
}


def exact(model, rows, length):
    """The products of one training step, counted by torch on shapes."""
    with FlopCounterMode(display=False) as counter:
        loss = model(torch.empty(rows, length, dtype=torch.long, device="meta"))
        loss.backward()
    return counter.get_total_flops()


@pytest.mark.parametrize("length", [128, 1024, 4096])
@pytest.mark.parametrize("size", SIZES)
def test_the_attention_rule_is_the_exact_count(gpt, size, length):
    model = gpt(**SIZES[size], length=length)
    rule = flops_rule("6N+attention", model, params=1)
    assert rule.name == "6N+attention"
    assert rule.flops(2 * length, length) == pytest.approx(exact(model, 2, length), rel=0.01)


@pytest.mark.parametrize(("length", "share"), [(128, 0.98), (1024, 0.87), (4096, 0.64)])
def test_six_n_of_a_124m_gpt_falls_short_as_sequences_grow(gpt, length, share):
    model = gpt(**SIZES["124M"], length=length)
    rule = flops_rule("6N", model, choose(count_parameters(model), "total"))
    assert rule.flops(length, length) / exact(model, 1, length) == pytest.approx(share, abs=0.005)


@pytest.mark.parametrize("tied", [None, "weight", "table"])
def test_the_head_costs_the_same_however_it_is_tied(gpt, tied):
    model = gpt(tied=tied)
    assert flops_rule("6N+attention", model, params=1).flops(256, 128) == exact(model, 2, 128)


def freeze_none(model):
    return model


def freeze_first_blocks(model):
    model.blocks[:2].requires_grad_(False)
    return model


def freeze_all_but_head(model):
    model.requires_grad_(False).lm_head.requires_grad_(True)
    return model


def freeze_all_but_last_block(model):
    model.requires_grad_(False).blocks[-1].requires_grad_(True)
    return model


def freeze_tables(model):
    model.wte.requires_grad_(False)
    model.wpe.requires_grad_(False)
    return model


FREEZES = [freeze_none, freeze_first_blocks, freeze_all_but_head, freeze_all_but_last_block, freeze_tables]


@pytest.mark.parametrize("freeze", FREEZES)
def test_frozen_layers_cost_what_is_really_done(gpt, freeze):
    model = freeze(gpt(tied=None, layers=4))
    assert flops_rule("6N+attention", model, params=1).flops(256, 128) == pytest.approx(exact(model, 2, 128), rel=0.01)


@pytest.mark.parametrize("tied", [None, "weight"])
def test_adapters_cost_what_is_really_done(lora, tied):
    model = lora(tied=tied, width=64, layers=4)
    assert flops_rule("6N+attention", model, params=1).flops(256, 128) == pytest.approx(exact(model, 2, 128), rel=0.01)


def test_torchs_own_encoder_is_recognised():
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            layer = nn.TransformerEncoderLayer(64, 4, 256, batch_first=True)
            self.table, self.encoder, self.out = nn.Embedding(500, 64), nn.TransformerEncoder(layer, 3), nn.Linear(64, 500)

        def forward(self, ids):
            return self.out(self.encoder(self.table(ids))).mean()

    with torch.device("meta"):
        model = Encoder()
    assert flops_rule("6N+attention", model, params=1).flops(256, 128) == exact(model, 2, 128)


def test_grouped_queries_and_wide_heads_count_by_the_heads():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.num_heads, self.head_dim = 8, 16
            self.q, self.k, self.v, self.o = nn.Linear(64, 128), nn.Linear(64, 32), nn.Linear(64, 32), nn.Linear(128, 64)

    model = nn.Sequential(nn.Embedding(5, 64), Attention())
    without = 6 * sum(p.numel() for p in model.parameters() if p.ndim == 2)  # the table is the head too
    assert flops_rule("6N+attention", model, params=1).flops(1, 1000) == without + 12 * 1000 * 128


def test_six_n_is_six_times_the_chosen_n(gpt):
    groups = count_parameters(gpt())
    for convention in ("total", "non_embedding", 123):
        assert flops_rule("6N", gpt(), choose(groups, convention)).flops(1000, 128) == 6000 * choose(groups, convention)


def test_a_sliding_window_bounds_the_distance(gpt):
    rules = [flops_rule("6N+attention", gpt(), 1, window=window) for window in (None, 64, 10_000)]
    full, slid, wide = (rule.flops(1, 128) for rule in rules)
    assert full - slid == 12 * 3 * (128 - 64) * 32
    assert wide == full


def test_each_layer_may_have_a_window_of_its_own(gpt):
    full, mixed = (flops_rule("6N+attention", gpt(), 1, window=window).flops(1, 128) for window in (None, [32, None, 64]))
    assert full - mixed == 12 * 32 * ((128 - 32) + (128 - 64))


@pytest.mark.parametrize("window", [[32], 0, [1, 2, -3]])
def test_windows_that_do_not_fit_are_refused(gpt, window):
    with pytest.raises(ValueError, match=r"one per attention layer \(3; None: all\)"):
        flops_rule("6N+attention", gpt(), 1, window=window)


def test_a_mixture_counts_the_parameters_a_token_meets(gpt):
    assert flops_rule("6N", gpt(), 10**9, active_params=10**8).flops(10) == 6 * 10**9
    assert flops_rule("6N+attention", gpt(), 10**9, active_params=10**8).flops(10, 128) == 6 * 10**9 + 10 * 12 * 3 * 128 * 32


def test_a_mixture_that_was_not_declared_is_pointed_out():
    class MoELayer(nn.Module):
        pass

    rule = flops_rule("6N", nn.Sequential(MoELayer()), 100)
    assert rule.outcome is FlopsOutcome.MIXTURE
    assert not rule.fell_back
    assert flops_rule("6N", nn.Sequential(MoELayer()), 100, active_params=10).outcome is FlopsOutcome.AS_ASKED


class Plain(nn.Module):
    """Attends without saying so."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8)


def test_a_model_without_attention_falls_back_to_6n_and_is_reported():
    rule = flops_rule("6N+attention", Plain(), 100)
    assert (rule.name, rule.outcome, rule.fell_back) == ("6N", FlopsOutcome.NO_ATTENTION, True)
    assert rule.flops(10) == 6000


def test_attention_that_is_not_understood_falls_back_and_asks_for_a_declaration():
    class StrangeAttention(nn.Module):
        def __init__(self):
            super().__init__()
            self.mixing, self.other = nn.Parameter(torch.zeros(8, 8)), nn.Parameter(torch.zeros(8, 8))

    rule = flops_rule("6N+attention", nn.Sequential(StrangeAttention()), 100)
    assert (rule.name, rule.outcome) == ("6N", FlopsOutcome.ATTENTION_UNKNOWN)
    assert "attention_width=" in str(rule.outcome)


def test_encoder_decoders_are_not_guessed_at(gpt):
    model = gpt()
    model.config = type("Config", (), {"is_encoder_decoder": True})()
    assert flops_rule("6N+attention", model, 100).outcome is FlopsOutcome.ATTENTION_UNKNOWN


def test_declared_attention_is_used():
    rule = flops_rule("6N+attention", Plain(), 100, layers=2, attention_width=8)
    # Nothing before the first matrix is trained, so its input needs no gradient.
    assert rule.flops(1, 50) == (4 + 6) * 64 + 12 * 2 * 50 * 8


def test_a_callable_is_given_the_batch():
    rule = flops_rule(lambda batch: 10 * len(batch), None, 1)
    assert (rule.name, rule.flops(5, batch=[1, 2]), rule.hardware_flops(5, batch=[1, 2])) == ("given", 20, 20)


@pytest.mark.parametrize("rule", ["8N", "", 6])
def test_an_unknown_rule_is_refused(rule):
    with pytest.raises(ValueError, match=r"'6N', '6N\+attention', 'measured' or a callable"):
        flops_rule(rule, None, 1)


def test_recomputed_layers_are_hardware_flops_only():
    rule = flops_rule("6N", None, 1000, recomputed=0.9)
    assert (rule.flops(10), rule.hardware_flops(10)) == (60_000, 60_000 + 18_000)


def test_calls_of_checkpoint_in_a_forward_are_measured_and_are_hardware_flops_only(gpt):
    ids = torch.zeros(2, 128, dtype=torch.long)
    plain, again = (flops_rule("6N", gpt(recompute=on), 1000, batch=ids) for on in (False, True))
    assert plain.flops(100) == again.flops(100) == plain.hardware_flops(100)
    assert 1.2 < again.hardware_flops(100) / again.flops(100) < 1 + 1 / 3
    assert "activation checkpointing repeats" in again.note


def test_wrapped_layers_are_found_to_be_recomputed(gpt):
    from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper

    model, plain = gpt(), gpt()
    model.blocks = nn.ModuleList(checkpoint_wrapper(block) for block in model.blocks)
    rule, before = flops_rule("6N+attention", model, 1), flops_rule("6N+attention", plain, 1)
    blocks, head = 12 * 3 * 32**2, 256 * 32
    assert rule.flops(10, 128) == before.flops(10, 128)
    forward = 10 * (2 * (blocks + head) + 4 * 3 * 128 * 32)
    assert rule.hardware_flops(10, 128) - rule.flops(10, 128) == forward * blocks // (blocks + head)


def checkpointed_by_transformers(kind):
    transformers = pytest.importorskip("transformers")
    sizes = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, vocab_size=50)
    with torch.device("meta"):
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes))
    if kind:
        model.activation_checkpointing_enable()
    return model


def test_layers_that_transformers_checkpoints_are_hardware_flops_only():
    plain, again = (flops_rule("6N+attention", checkpointed_by_transformers(on), 1) for on in (False, True))
    blocks, head = 2 * (4 * 32 * 32 + 3 * 32 * 64), 32 * 50
    assert again.flops(10, 16) == plain.flops(10, 16) == plain.hardware_flops(10, 16)
    forward = 10 * (2 * (blocks + head) + 4 * 2 * 16 * 32)
    assert again.hardware_flops(10, 16) - again.flops(10, 16) == forward * blocks // (blocks + head)
    assert "repeats 93 % of the forward pass: hardware FLOPs, model FLOPs are unchanged" in again.note


def test_a_list_of_layers_under_a_flag_is_recomputed():
    class Stages(nn.Module):
        """As timm flags its models."""

        def __init__(self):
            super().__init__()
            self.grad_checkpointing = True
            self.blocks, self.head = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8)), nn.Linear(8, 16)

    rule = flops_rule("6N", Stages(), 300)
    assert rule.hardware_flops(1) - rule.flops(1) == 600 // 2
