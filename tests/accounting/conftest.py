"""A GPT to count, written out so that each of its matrices can be counted by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint


class CausalSelfAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.n_head = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)

    def forward(self, x):
        batch, length, width = x.shape
        q, k, v = (t.view(batch, length, self.n_head, -1).transpose(1, 2) for t in self.qkv(x).split(width, 2))
        y = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.ln1, self.attn = nn.LayerNorm(width), CausalSelfAttention(width, heads)
        self.ln2, self.mlp = nn.LayerNorm(width), nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attn(self.ln1(x))
        return x + self.mlp(self.ln2(x))


class GPT(nn.Module):
    """`forward` gives a loss. `tied` is "weight" (a head that shares the table), "table" (the table itself is used) or None."""

    def __init__(self, words=256, width=32, layers=3, heads=4, length=128, tied="weight", recompute=False):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.ln = nn.LayerNorm(width)
        self.tied, self.recompute = tied, recompute
        if tied != "table":
            self.lm_head = nn.Linear(width, words, bias=False)
        if tied == "weight":
            self.lm_head.weight = self.wte.weight

    def forward(self, ids):
        x = self.wte(ids) + self.wpe(torch.arange(ids.shape[1], device=ids.device))
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.recompute else block(x)
        x = self.ln(x)
        return (functional.linear(x, self.wte.weight) if self.tied == "table" else self.lm_head(x)).mean()


@pytest.fixture(scope="session")
def gpt():
    """Make a GPT on the meta device."""

    def make(**settings):
        with torch.device("meta"):
            return GPT(**settings)

    return make


class Adapted(nn.Module):
    """A linear layer with a low-rank adapter beside it (Hu et al. 2021)."""

    def __init__(self, base, rank=4):
        super().__init__()
        self.base = base
        self.lora_a = nn.Linear(base.in_features, rank, bias=False, device="meta")
        self.lora_b = nn.Linear(rank, base.out_features, bias=False, device="meta")

    def forward(self, x):
        return self.base(x) + self.lora_b(self.lora_a(x))


@pytest.fixture(scope="session")
def lora(gpt):
    """A frozen GPT with trained adapters on all projections of attention."""

    def make(**settings):
        model = gpt(**settings).requires_grad_(False)
        for block in model.blocks:
            block.attn.qkv, block.attn.proj = Adapted(block.attn.qkv), Adapted(block.attn.proj)
        return model

    return make
