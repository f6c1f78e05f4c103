"""A training process that says nothing: the ladder shows how far it is."""

import logging
import os
import warnings


def cores_here() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def quiet(cores: int) -> None:
    """As many threads as the cell has cores, but no more than the machine has, and no words of Lightning's.

    With one thread sums are always taken in the same order: the same seed gives the same numbers.
    """
    import lightning.pytorch
    import torch

    torch.set_num_threads(min(cores, cores_here()))
    warnings.simplefilter("ignore")
    for name in (lightning.pytorch.__name__, "pytorch_lightning", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
