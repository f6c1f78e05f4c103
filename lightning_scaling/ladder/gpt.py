"""A byte-level GPT small enough for two CPU cores, whose size is set by its width alone.

Three blocks: attention with heads of 8 and rotary positions (Su et al. 2021; base 1000 for a context of 128), an MLP of four widths
with squared ReLU (So et al. 2021), RMS norms without gain, one embedding tied with the head, no biases. The matrices that write into the
stream start at zero, so every block starts as the identity. A fixed norm of queries and keys cost .15 nats at width 16: left out.
"""

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn import functional

from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.windows import Batch

VOCABULARY = 256
HEAD = 8
ROPE_BASE = 1000.0


class Attention(nn.Module):
    """Causal self-attention with rotary positions."""

    cos: Tensor
    sin: Tensor

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        angle = torch.outer(torch.arange(context), ROPE_BASE ** (-torch.arange(0, HEAD, 2) / HEAD))
        self.register_buffer("cos", angle.cos().repeat(1, 2), persistent=False)
        self.register_buffer("sin", torch.cat((-angle.sin(), angle.sin()), dim=1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        rows, length, width = x.shape
        qkv = self.qkv(x).view(rows, length, 3, width // HEAD, HEAD).permute(2, 0, 3, 1, 4)
        q, k = self.rotate(qkv[:2])  # both at once: 6 % of a step
        y = functional.scaled_dot_product_attention(q, k, qkv[2], is_causal=True)
        mixed: Tensor = self.out(y.transpose(1, 2).reshape(rows, length, width))
        return mixed

    def rotate(self, x: Tensor) -> Tensor:
        length = x.shape[-2]
        return x * self.cos[:length] + x.roll(HEAD // 2, dims=-1) * self.sin[:length]


class Block(nn.Module):
    """Attention, then the MLP, each added to the stream."""

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.attention = Attention(width, context)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(norm(x))
        active = functional.relu(self.up(norm(x)))
        y: Tensor = x + self.down(active * active)
        return y


class GPT(nn.Module):
    """(rows, length) bytes in, (rows, length, 256) logits of the next byte out.

    Args:
        width: of the stream, a multiple of 8.
        depth: number of blocks.
        context: the longest input, in bytes.
        generator: where the starting weights are drawn from.
    """

    def __init__(self, width: int, depth: int = 3, context: int = 128, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, width)
        self.blocks = nn.ModuleList(Block(width, context) for _ in range(depth))
        start(self, generator)

    def forward(self, tokens: Tensor) -> Tensor:
        x = norm(self.embedding(tokens))
        for block in self.blocks:
            x = block(x)
        return functional.linear(norm(x), self.embedding.weight)


def start(model: GPT, generator: torch.Generator | None = None) -> None:
    """Draw the starting weights: reading matrices at 1/sqrt(width), writing ones zero."""
    width = model.embedding.embedding_dim
    for name, weight in model.named_parameters():
        if name.endswith(("out.weight", "down.weight")):
            nn.init.zeros_(weight)
        else:
            nn.init.normal_(weight, std=0.02 if name.startswith("embedding") else width**-0.5, generator=generator)


def norm(x: Tensor) -> Tensor:
    """RMS norm without gain (Zhang & Sennrich 2019)."""
    return functional.rms_norm(x, (x.shape[-1],))


class ByteModel(LightningModule):
    """A GPT trained to name the next byte; the loss is in nats per byte."""

    def __init__(self, cell: Cell) -> None:
        super().__init__()
        self.cell = cell
        width, depth, context = (int(cell.size.get(name, usual)) for name, usual in (("width", 0), ("depth", 3), ("context", 128)))
        self.gpt = GPT(width, depth, context, torch.Generator().manual_seed(cell.seed))

    def training_step(self, batch: Batch, index: int) -> torch.Tensor:
        return self.loss(batch)

    def validation_step(self, batch: Batch, index: int) -> None:
        self.log("val_loss", self.loss(batch), batch_size=len(batch[0]))

    def loss(self, batch: Batch) -> torch.Tensor:
        tokens, following = batch
        return functional.cross_entropy(self.gpt(tokens).flatten(0, 1), following.flatten())

    def configure_optimizers(self) -> Any:
        table = [self.gpt.embedding.weight]
        groups = [
            {"params": table, "lr": self.cell.hyper["embedding_lr"]},
            {"params": list(self.gpt.blocks.parameters()), "lr": self.cell.hyper["matrix_lr"]},
        ]
        optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, self.cell.lr_share)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}
