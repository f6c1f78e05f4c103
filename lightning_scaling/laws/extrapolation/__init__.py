"""The loss of larger runs: a family of laws, a drift about them, priors, and the average over all of them."""
