"""A tiny GPT on real text, in one file: an ordinary LightningModule and DataModule; the only new line is the callback.

python examples/tiny_gpt.py
"""

import pydoc_data.topics

import torch
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from torch import nn
from torch.utils.data import DataLoader

from lightning_scaling.callbacks import ScalingLawMonitor

CONTEXT = 64


class Text(LightningDataModule):
    """Python's own reference manual, in bytes; its last tenth validates."""

    def __init__(self, batch_size: int = 8) -> None:
        super().__init__()
        text = "\n".join(pydoc_data.topics.topics.values()).encode()
        windows = torch.tensor(list(text)).unfold(0, CONTEXT + 1, CONTEXT)
        self.batch_size, cut = batch_size, len(windows) * 9 // 10
        self.train, self.validation = windows[:cut], windows[cut : cut + 128]

    def train_dataloader(self) -> DataLoader:
        return DataLoader(self.train, self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.validation, 64)


class TinyGPT(LightningModule):
    def __init__(self, width: int = 32, steps: int = 300) -> None:
        super().__init__()
        self.steps = steps
        self.embedding, self.position = nn.Embedding(256, width), nn.Embedding(CONTEXT, width)
        block = nn.TransformerEncoderLayer(width, width // 8, 4 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.blocks, self.norm = nn.TransformerEncoder(block, 2, enable_nested_tensor=False), nn.LayerNorm(width)

    def loss(self, batch: torch.Tensor) -> torch.Tensor:
        tokens, following = batch[:, :-1], batch[:, 1:]
        x = self.embedding(tokens) + self.position.weight
        x = self.blocks(x, mask=nn.Transformer.generate_square_subsequent_mask(CONTEXT), is_causal=True)
        logits = self.norm(x) @ self.embedding.weight.T
        return nn.functional.cross_entropy(logits.flatten(0, 1), following.flatten())

    def training_step(self, batch: torch.Tensor, index: int) -> torch.Tensor:
        return self.loss(batch)

    def validation_step(self, batch: torch.Tensor, index: int) -> None:
        self.log("val_loss", self.loss(batch))

    def configure_optimizers(self) -> dict:
        optimizer = torch.optim.AdamW(self.parameters(), lr=3e-3)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, self.steps), "interval": "step"},
        }


def trainer(monitor: ScalingLawMonitor, steps: int = 300, **options) -> Trainer:
    return Trainer(
        accelerator="cpu",
        max_steps=steps,
        val_check_interval=steps // 15,
        check_val_every_n_epoch=None,
        callbacks=[monitor],
        enable_checkpointing=False,
        enable_progress_bar=False,
        **options,
    )


if __name__ == "__main__":
    monitor = ScalingLawMonitor(store="sqlite:///mlflow.db", run_name="tiny GPT", tokenizer="bytes")
    trainer(monitor, logger=False).fit(TinyGPT(), Text())
    half = monitor.record.predictions[len(monitor.record.predictions) // 2]
    print(f"Half-way the end was forecast at {half.loss:.3f} ({half.low:.3f} to {half.high:.3f}); it ended at {monitor.record.loss:.3f}.")
