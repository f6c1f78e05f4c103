"""The libraries that every training process needs, imported by the server that the processes are forked from."""

import contextlib
import logging

logging.getLogger("torch.distributed.elastic.multiprocessing.redirects").setLevel(logging.ERROR)

import lightning.pytorch  # noqa: E402
import torch  # noqa: E402

import lightning_scaling.callbacks  # noqa: E402
import lightning_scaling.ladder.training  # noqa: E402

torch.set_num_threads(1)
with contextlib.suppress(ImportError):
    import lightning_scaling.store.mlflow.preloaded

__all__ = ["lightning", "lightning_scaling", "torch"]
