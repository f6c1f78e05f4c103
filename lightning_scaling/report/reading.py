"""How a report asks a law: its band and its prediction, whatever else the law can do."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from lightning_scaling.units import training_flops


@dataclass(frozen=True)
class Aim:
    """A prediction of one run that was held out: what was expected, and (NaN while it is not known) what came."""

    params: float
    tokens: float
    loss: float
    low: float
    high: float
    came: float = float("nan")
    level: float = 0.9
    beyond: float = float("nan")
    outcome: str = ""

    @property
    def flops(self) -> float:
        """6·N·D of the predicted run."""
        return float(training_flops(self.params, self.tokens))

    @property
    def error(self) -> float:
        """The prediction against what came, as a share."""
        return self.loss / self.came - 1

    @property
    def inside(self) -> bool:
        """Whether what came lies within the interval."""
        return self.low <= self.came <= self.high


def largest_of(prediction: Any) -> Aim:
    """`prediction` itself, or an `Aim` read from any object that names params, tokens, loss, low and high."""
    if isinstance(prediction, Aim):
        return prediction
    read = {name: float(np.ravel(getattr(prediction, name))[-1]) for name in ("params", "tokens", "loss", "low", "high")}
    return Aim(
        **read,
        came=float(getattr(prediction, "came", np.nan)),
        level=float(getattr(prediction, "level", 0.9)),
        outcome=str(getattr(prediction, "outcome", "")),
    )


def law_name(law: Any) -> str:
    """A law's name as people write it.

    >>> from lightning_scaling.laws import preset
    >>> law_name(preset("kaplan2020_allocation")), law_name(preset("llama3_2024"))
    ('Kaplan 2020 allocation', 'Llama 3 2024')
    """
    name = str(getattr(law, "name", "") or "this law")
    if not hasattr(law, "provenance"):
        return name
    spaced = re.sub(r"(?<=[a-z])(?=\d)", " ", name).replace("_", " ")
    return spaced[:1].upper() + spaced[1:]


def usable(law: Any) -> bool:
    """Whether a fit has numbers to draw: refused ones carry NaN."""
    probe = getattr(law, "alpha", getattr(law, "exponent", 0.0))
    return law is not None and bool(np.isfinite(probe))


# outcomes of a fit over sizes that leave open how to split compute between N and D
_SPLIT_UNKNOWN = ("ONE_RATIO", "PARAMS_NOT_IDENTIFIED", "TOKENS_NOT_IDENTIFIED", "TOO_FEW_POINTS")


def split_known(law: Any) -> bool:
    """Whether the runs behind a law tell N's part from D's."""
    outcome = getattr(law, "outcome", None)
    return outcome is None or outcome.name not in _SPLIT_UNKNOWN


def with_floor(frontier: Any) -> bool:
    """Whether a law of compute has an irreducible loss that its runs identify; without one it is a straight line in logs."""
    return getattr(getattr(frontier, "outcome", None), "name", "") == "FITTED" and hasattr(frontier, "floor_exponent")


def along(frontier: Any, flops: Any) -> Any:
    """The loss at `flops` by the form of the law that its runs support."""
    return np.asarray(frontier.predict(flops, form="floor") if with_floor(frontier) else frontier.predict(flops))


def band(law: Any, flops: Any) -> tuple[Any, Any] | None:
    """The interval of the loss at `flops` (of a law of compute, or of the best of L(N, D)); None for a law that tells none."""
    if hasattr(law, "optimum"):
        return optimum_band(law, flops, "loss")
    ask = getattr(law, "band", None)
    if ask is None:
        return None
    # the prediction interval is that of the straight line: relative widths, carried over to the form that is drawn
    shift = along(law, flops) / np.asarray(law.predict(flops))
    low, high = ask(flops)
    return low * shift, high * shift


def optimum_band(law: Any, flops: Any, quantity: str) -> tuple[Any, Any] | None:
    """(low, high) arrays of the optimum's "params", "tokens" or "loss" over `flops`; None for a law without intervals."""
    pairs = [optimum_interval(law.optimum(float(c)), quantity) for c in np.ravel(flops)]
    if any(low is None for low, _ in pairs):
        return None
    edges = np.array(pairs, dtype=float)
    return edges[:, 0], edges[:, 1]


def optimum_interval(best: Any, quantity: str) -> tuple[float | None, float | None]:
    """The interval of one quantity of an optimum, (None, None) where its law has none."""
    pair = getattr(best, f"{quantity}_interval", None)
    return (None, None) if pair is None else (float(pair[0]), float(pair[1]))
