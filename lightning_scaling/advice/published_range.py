"""Where a published law may be quoted: the sizes and losses it was fitted on. Outside of them its numbers are no statement about a run.

Sizes as the papers print them: Kaplan et al. 2020, section 2 (768 to 1.5B parameters without embeddings); Hoffmann et al. 2022, abstract
(70M to 16B parameters on 5B to 500B tokens), whose points Besiroglu et al. 2024 refitted; Muennighoff et al. 2023 (7M to 8.7B parameters,
up to 900B tokens); Llama 3 2024, section 3.2.1 (40M to 16B). The losses are the law's own at the ends of that range, a quarter wider
for other tokenizers. A law of the user's own runs is not restricted here.
"""

from dataclasses import dataclass

from lightning_scaling.laws.capabilities import AllocationLaw
from lightning_scaling.laws.presets.presets import Preset
from lightning_scaling.numbers import count

OTHER_TOKENIZERS = 1.25


@dataclass(frozen=True)
class FittedRange:
    """Sizes (parameters) and lengths (tokens) that a published law was fitted on."""

    params: tuple[float, float]
    tokens: tuple[float, float]


CHINCHILLA = FittedRange((7e7, 1.6e10), (5e9, 5e11))
KAPLAN = FittedRange((768, 1.5e9), (2.2e7, 2.3e10))
RANGES = {
    "kaplan2020_slices": KAPLAN,
    "kaplan2020_joint": KAPLAN,
    "kaplan2020_allocation": KAPLAN,
    "hoffmann2022": CHINCHILLA,
    "hoffmann2022_rounded": CHINCHILLA,
    "hoffmann2022_approach1": CHINCHILLA,
    "hoffmann2022_approach2": CHINCHILLA,
    "besiroglu2024": CHINCHILLA,
    "besiroglu2024_exact": CHINCHILLA,
    "muennighoff2023": FittedRange((7e6, 8.7e9), (1e8, 9e11)),
    "llama3_2024": FittedRange((4e7, 1.6e10), (1e9, 1e12)),
    "llama3_2024_printed": FittedRange((4e7, 1.6e10), (1e9, 1e12)),
}


def quotable(law: AllocationLaw, params: float | None, loss: float, unit: str = "tokens") -> bool:
    """Whether `law` may be quoted about a run of this size and loss; True for any law that is not a published one.

    >>> from lightning_scaling.laws.presets.presets import preset
    >>> law = preset("besiroglu2024")
    >>> quotable(law, 1e9, 2.4), quotable(law, 1000, 3.5), quotable(law, 1e9, 0.3), quotable(law, 1e9, 2.4, unit="samples")
    (True, False, False, False)
    """
    if not isinstance(law, Preset) or law.name not in RANGES:
        return True
    found = RANGES[law.name]
    if params is None or unit != "tokens" or not found.params[0] <= params <= found.params[1]:
        return False
    lowest, highest = _losses(law, found)
    return bool(lowest <= loss <= highest)


def outside(law: AllocationLaw | None, params: float | None, loss: float, unit: str = "tokens") -> str:
    """What to add where a law that the user chose is used beyond its range; empty inside it.

    >>> from lightning_scaling.laws.presets.presets import preset
    >>> outside(preset("besiroglu2024"), 1000, 3.5)
    ', extrapolated: it was fitted on texts with 70M to 16B parameters'
    """
    if not isinstance(law, Preset) or quotable(law, params, loss, unit):
        return ""
    low, high = RANGES[law.name].params
    return f", extrapolated: it was fitted on texts with {count(low)} to {count(high)} parameters"


def _losses(law: Preset, found: FittedRange) -> tuple[float, float]:
    ends = [4.0, 2.0]  # nats a token of text, for a published allocation, which knows no loss
    if law.predicts_loss:
        ends = [float(law.predict(params, tokens)) for params, tokens in zip(found.params, found.tokens, strict=True)]
    return ends[1] / OTHER_TOKENIZERS, ends[0] * OTHER_TOKENIZERS
