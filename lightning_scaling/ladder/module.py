"""One cell as a LightningModule: the GPT, its loss and its optimiser."""

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch.nn import functional

from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.gpt import GPT
from lightning_scaling.ladder.windows import Batch


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
