"""One cell as a LightningModule: the GPT, its loss, and how its learning rates rise and fall."""

import math
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch.nn import functional

from lightning_scaling.ladder.cells import Cell
from lightning_scaling.ladder.gpt import GPT
from lightning_scaling.ladder.windows import Batch

WARMUP = 0.03  # of the steps
LAST = 0.05  # of the peak learning rate, at the end


class ByteModel(LightningModule):
    """A GPT trained to name the next byte; the loss is in nats per byte."""

    def __init__(self, cell: Cell, seed: int = 0) -> None:
        super().__init__()
        self.cell = cell
        self.gpt = GPT(cell.width, cell.depth, cell.context, torch.Generator().manual_seed(seed))

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
            {"params": table, "lr": self.cell.embedding_lr},
            {"params": list(self.gpt.blocks.parameters()), "lr": self.cell.matrix_lr},
        ]
        optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, Warmcosine(self.cell.steps))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class Warmcosine:
    """Share of the peak at a step: linear warm-up, then half a cosine down to 5 %.

    >>> share = Warmcosine(100)
    >>> [round(share(step), 3) for step in (0, 2, 99)]
    [0.333, 1.0, 0.05]
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.warmup = max(1, round(WARMUP * steps))

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return (step + 1) / self.warmup
        along = min(1.0, (step - self.warmup) / max(1, self.steps - 1 - self.warmup))
        return LAST + (1 - LAST) * (1 + math.cos(math.pi * along)) / 2
