"""The exponents of the best learning rate and batch size on a published sweep, beside Step Law's.

    python benchmarks/hyperparameters.py --runs dense_lr_bs_loss.csv

The file is the dense sweep that Li et al. 2025 (arXiv 2503.04715) publish: columns N, D, lr, bs (sequences of 2048 tokens) and smooth loss.
"""

import argparse
import csv

import numpy as np

from lightning_scaling import HYPERPARAMETER_LAWS, fit_hyperparameters


def main() -> None:
    """Fit the sweep, print exponents with intervals, Step Law's, and the loss that its constants give away."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", required=True)
    with open(parser.parse_args().runs, newline="") as file:
        rows = list(csv.DictReader(file))
    columns = np.array([[float(row[name]) for name in ("N", "D", "lr", "bs", "smooth loss")] for row in rows]).T
    columns[3] *= 2048
    fit = fit_hyperparameters(*columns)
    print(fit)
    step = HYPERPARAMETER_LAWS["steplaw2025"]
    print(f"\nStep Law: rate N^{step.learning_rate.params} D^{step.learning_rate.tokens}, batch D^{step.batch_tokens.tokens}")
    known = [o for o in fit.optima if o.enclosed]
    for name, laws in (("rate", "learning_rate"), ("batch", "batch_tokens")):
        off = [np.log(getattr(o, laws) / (getattr(step.at(o.params, o.tokens), laws) or np.nan)) for o in known]
        print(f"best {name} of {len(known)} sweeps over Step Law's: {np.exp(np.median(off)):.2f} (median)")


if __name__ == "__main__":
    main()
