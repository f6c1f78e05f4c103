"""Attach the monitor to training code you have: one import, one argument. python examples/attach.py"""

from lightning.pytorch import Trainer
from lightning.pytorch.loggers import CSVLogger
from tiny_gpt import Text, TinyGPT  # any LightningModule, any data

from lightning_scaling.callbacks import ScalingLawMonitor

trainer = Trainer(
    max_steps=200, val_check_interval=20, logger=CSVLogger("."), callbacks=[ScalingLawMonitor()], check_val_every_n_epoch=None
)
trainer.fit(TinyGPT(steps=200), Text())
print(f"every scaling/* key is in {trainer.logger.log_dir}/metrics.csv")
