"""Which runs to train: the next ones, the one that identifies an exponent, simulated ones."""
