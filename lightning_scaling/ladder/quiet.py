"""A training process that says nothing: the ladder shows how far it is."""

import logging
import warnings


def quiet(cores: int) -> None:
    """Threads for the cores, and no words of Lightning's.

    With one thread sums are always taken in the same order: the same seed gives the same numbers.
    """
    import lightning.pytorch
    import torch

    torch.set_num_threads(cores)
    warnings.simplefilter("ignore")
    for name in (lightning.pytorch.__name__, "pytorch_lightning", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
