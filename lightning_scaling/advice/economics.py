"""What a user is willing to pay for: the few numbers that turn a forecast into a decision. All are optional."""

from dataclasses import dataclass
from math import inf, isfinite

SMALLEST, LARGEST = 0.001, 0.005  # relative gains: noise of 10 % hides a gain of 5 %, which is worth having all the same


@dataclass(frozen=True)
class Economics:
    """The user's terms; the defaults ask only what the curve itself can answer.

    Args:
        threshold: relative gain below which the compute to come is not worth it (.001 = a tenth of a percent of the loss).
            None: a tenth of a percent, or the noise of a hundredth of the token budget where that is more, up to half a percent.
        probability: how sure a plateau must be before it is called.
        worth: relative gain of as much compute again from which going past the token budget, or growing, is recommended.
        target_loss: the loss the model is for, if there is one.
        tokens_served: tokens the model will answer in its life; serving costs 2·N FLOPs each (Sardana et al. 2024).
        fresh_tokens: False when no more data can be had, so that FRESH_DATA is no use as an answer.

    Raises:
        ValueError: a share outside (0, 1), a negative amount, or a target that is no number.

    >>> Economics(threshold=0.002).smallest_gain(noise=0.01)
    0.002
    >>> Economics().smallest_gain(noise=0.003), Economics().smallest_gain(noise=0.2)
    (0.003, 0.005)
    """

    threshold: float | None = None
    probability: float = 0.9
    worth: float = 0.01
    target_loss: float | None = None
    tokens_served: float = 0.0
    fresh_tokens: bool = True

    def __post_init__(self) -> None:
        shares = {"threshold": self.threshold, "probability": self.probability, "worth": self.worth}
        for name, value in shares.items():
            if value is not None and not 0 < value < 1:
                raise ValueError(f"{name} is a share of the loss or a probability, so between 0 and 1, got {value}")
        if not 0 <= self.tokens_served < inf:
            raise ValueError(f"tokens_served must be zero or more, got {self.tokens_served}")
        if self.target_loss is not None and not isfinite(self.target_loss):
            raise ValueError(f"target_loss must be a finite number, got {self.target_loss}")

    def smallest_gain(self, noise: float) -> float:
        """The relative gain that still counts: the user's threshold, or what can be seen above the noise; half a percent always counts."""
        return self.threshold if self.threshold is not None else min(max(SMALLEST, noise), LARGEST)
