"""A training of some seconds with real loggers, whose losses and rates are known."""

import warnings

import pytest

torch = pytest.importorskip("torch")
pl = pytest.importorskip("lightning.pytorch")

STEPS = 60


class Tiny(pl.LightningModule):
    """A regression on noise whose losses and rates are kept as they are logged."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        self.losses, self.rates = [], []

    def training_step(self, batch, index):
        loss = self.layer(batch).square().mean() + 1.0
        self.losses.append(float(loss.detach()))
        self.rates.append(self.optimizers().param_groups[0]["lr"])
        self.log("train_loss", loss)
        self.log("lr", self.rates[-1])
        return loss

    def validation_step(self, batch, index):
        self.log("val_loss", self.layer(batch).square().mean() + 1.0)

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        return [optimizer], [{"scheduler": torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, STEPS), "interval": "step"}]


def trained(loggers, folder, callbacks=(), every=None):
    """The model after its training; with `every`, validated after as many steps each."""
    torch.manual_seed(0)
    model = Tiny()
    data = torch.utils.data.DataLoader(torch.randn(STEPS * 2, 4), batch_size=2)
    held = None if every is None else torch.utils.data.DataLoader(torch.randn(16, 4), batch_size=8)
    how = {} if every is None else dict(val_check_interval=every, num_sanity_val_steps=0)
    quiet = dict(enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, accelerator="cpu")
    trainer = pl.Trainer(
        max_epochs=1, logger=loggers, log_every_n_steps=1, default_root_dir=str(folder), callbacks=[*callbacks], **how, **quiet
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(model, data, held)
        for logger in loggers:
            logger.finalize("success")
    return model


def fine_tuned(folder):
    """transformers' trainer after as many steps, with its checkpoint in the folder."""
    import transformers

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def forward(self, x):
            return {"loss": self.layer(x).square().mean() + 1.0}

    torch.manual_seed(0)
    data = [{"x": row} for row in torch.randn(STEPS * 2, 4)]
    how = dict(max_steps=STEPS, logging_steps=1, per_device_train_batch_size=2, report_to=[], disable_tqdm=True, use_cpu=True)
    arguments = transformers.TrainingArguments(str(folder), save_steps=STEPS, save_strategy="steps", **how)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = transformers.Trainer(Net(), arguments, train_dataset=data)
        trainer.train()
    return trainer
