"""Every snippet of docs/attach.md runs unchanged, beside a tiny GPT-2."""

import re
import warnings
from pathlib import Path

import pytest
import torch

pytest.importorskip("transformers")
import language_model as lm

PAGE = (Path(__file__).parents[2] / "docs" / "attach.md").read_text()
SNIPPETS = re.findall(r"```python (\w+)\n(.*?)```", PAGE, flags=re.S)
WAYS = sorted({way for way, _ in SNIPPETS})


def module_of(model):
    from lightning.pytorch import LightningModule

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.model = model

        def training_step(self, batch, index):
            return self.model(**batch).loss

        def validation_step(self, batch, index):
            self.log("val_loss", self.model(**batch).loss)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    return Module()


@pytest.fixture
def world():
    """What the page takes for granted."""
    model, rows = lm.model(), lm.Rows()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    return {
        "model": model,
        "module": module_of(model),
        "optimizer": optimizer,
        "scheduler": torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, 6),
        "train_rows": rows,
        "validation_rows": lm.Rows(4, seed=1),
        "train_batches": torch.utils.data.DataLoader(rows, lm.BATCH),
        "validation_batches": torch.utils.data.DataLoader(lm.Rows(4, seed=1), lm.BATCH),
        "validate": lambda _: 2.5,
        "address": "https://example.com/hook",
    }


def test_the_page_shows_every_way():
    assert WAYS == ["fabric", "lightning", "plain", "transformers", "verdicts"]
    assert PAGE.count("```python") == len(SNIPPETS)


@pytest.mark.parametrize("way", WAYS)
def test_the_snippets_run(way, world):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"transformers\.|accelerate\.|torch\.")
        for name, code in SNIPPETS:
            if name == way:
                exec(code, world)
    counted = {"lightning": "monitor", "transformers": "scaling", "fabric": "scaling", "plain": "resumed"}
    if way in counted:
        epochs = 1 if way in ("fabric", "plain") else 2
        assert world[counted[way]].record.tokens_trained == epochs * lm.ROWS * lm.LENGTH
