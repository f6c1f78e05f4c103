"""Runs that others logged to MLflow, without this package: read them, compare them by compute, fit their law.

python examples/existing_runs.py
"""

import logging

from lightning.pytorch import Trainer
from lightning.pytorch.loggers import MLFlowLogger
from tiny_gpt import CONTEXT, Text, TinyGPT

from lightning_scaling.report import load_study
from lightning_scaling.store import MetricMapping

STORE, BATCH = "sqlite:///mlflow.db", 8


def log_as_others_do(width: int, steps: int) -> None:
    """A plain Lightning run: a loss against steps, the model's size as a parameter, nothing else."""
    model, logger = TinyGPT(width, steps), MLFlowLogger("others", f"width {width}", tracking_uri=STORE)
    logger.log_hyperparams({"params": sum(p.numel() for p in model.parameters())})
    quiet = dict(enable_progress_bar=False, enable_checkpointing=False, enable_model_summary=False)
    every = dict(max_steps=steps, val_check_interval=steps // 5, check_val_every_n_epoch=None)
    Trainer(accelerator="cpu", logger=logger, **quiet, **every).fit(model, Text(BATCH))


if __name__ == "__main__":
    logging.getLogger("alembic").setLevel(logging.WARNING)
    for width in (8, 16, 32):
        log_as_others_do(width, steps=5 * width)
    names = MetricMapping(loss="val_loss", tokens_per_step=BATCH * CONTEXT, params="params")
    study = load_study(STORE, experiments="others", mapping=names)
    print(study.table()[["name", "params", "tokens", "pf_days", "loss", "state"]].to_string(index=False))
    law = study.fit(unfinished=True).frontier  # loggers of others do not record the end of a run
    print(f"L = (C0/C)^{law.exponent:.3f} ({law.outcome})")
