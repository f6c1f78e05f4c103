"""What repeating data costs: how far a run on few unique tokens lies above the run that never repeats.

On the runs of Muennighoff et al. (2023, arXiv 2305.16264; 2.8B to 8.7B parameters, 1 to 44 epochs) the log of that ratio grows almost
linearly in epochs, by about RATE·(params / unique tokens)^POWER an epoch, and slackens after some dozens. Read off those curves here: .75 %
an epoch at 2.2 parameters a unique token, .35 % at .7, .2 % at .35, .15 % at .2. The amount is a prior only; the run corrects it.
"""

import numpy as np

from lightning_scaling.arrays import Floats

RATE, POWER = 0.0044, 0.75
SLACKENS = 60.0  # epochs
UNSURE = 0.6  # standard deviation of the amount, as a share of it
USUAL = 0.5  # parameters a unique token where the size is not known


def excess(tokens: Floats, unique_tokens: float | None, params: float | None) -> Floats:
    """(n,) expected log excess loss after `tokens`; zero where the data is not repeated.

    >>> excess(np.array([5e10]), 1.25e9, 2.8e9).round(2).tolist()
    [0.23]
    """
    if unique_tokens is None:
        return np.zeros(np.shape(tokens))
    epochs = np.maximum(tokens / unique_tokens - 1.0, 0.0)
    density = USUAL if params is None else params / unique_tokens
    return np.asarray(RATE * density**POWER * SLACKENS * (1 - np.exp(-epochs / SLACKENS)))
