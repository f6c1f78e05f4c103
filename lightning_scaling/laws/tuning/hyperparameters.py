"""The peak learning rate and the batch size that published laws give for a run of N params, D tokens and C FLOPs.

Each is a power law, rate* = scale·N^a·D^b or scale·C^c, fitted to sweeps over rate and batch. Constants belong to an optimiser (AdamW),
a schedule and a range of sizes: they are where a sweep starts; `fit_hyperparameters` fits one's own.
"""

from dataclasses import dataclass

from lightning_scaling.laws.presets.presets import Provenance
from lightning_scaling.units import training_flops


@dataclass(frozen=True)
class PowerProduct:
    """scale · N^params · D^tokens · C^flops; an exponent of zero leaves the quantity out."""

    scale: float
    params: float = 0.0
    tokens: float = 0.0
    flops: float = 0.0

    def at(self, params: float | None, tokens: float | None, flops: float | None) -> float | None:
        """The value; None where a quantity that it needs is not known.

        >>> round(PowerProduct(0.58, tokens=0.571).at(None, 1e11, None))
        1107715
        """
        value = self.scale
        for quantity, exponent in ((params, self.params), (tokens, self.tokens), (flops, self.flops)):
            if exponent and quantity is None:
                return None
            value *= quantity**exponent if exponent and quantity else 1.0
        return value


@dataclass(frozen=True)
class Hyperparameters:
    """Peak learning rate, and batch size in tokens; None where the law gives none for what is known.

    `extrapolated`: the run lies outside the sizes that the law was fitted on.
    """

    learning_rate: float | None
    batch_tokens: float | None
    extrapolated: bool


@dataclass(frozen=True)
class HyperparameterLaw:
    """A published law of the peak learning rate and the batch size (tokens).

    Args:
        name: how it is asked for.
        learning_rate, batch_tokens: the power laws.
        source: authors, year, where.
        provenance: how the constants were obtained.
        counts: which N, or which C, the constants were fitted with.
        fitted_on: the quantity ("params" or "flops") and its smallest and largest value in the fitted runs.
        note: what a user must know.
    """

    name: str
    learning_rate: PowerProduct
    batch_tokens: PowerProduct
    source: str
    provenance: Provenance
    counts: str
    fitted_on: tuple[str, float, float]
    note: str

    def at(self, params: float | None = None, tokens: float | None = None, flops: float | None = None) -> Hyperparameters:
        """Rate and batch for a run; C is 6·N·D where `flops` is left out.

        >>> law = HYPERPARAMETER_LAWS["steplaw2025"]
        >>> round(law.at(1e9, 1e11).learning_rate, 6)
        0.001632
        """
        if flops is None and params is not None and tokens is not None:
            flops = float(training_flops(params, tokens))
        value = params if self.fitted_on[0] == "params" else flops
        outside = value is not None and not self.fitted_on[1] <= value <= self.fitted_on[2]
        return Hyperparameters(self.learning_rate.at(params, tokens, flops), self.batch_tokens.at(params, tokens, flops), outside)


_ALL = (
    HyperparameterLaw("steplaw2025", PowerProduct(1.79, params=-0.713, tokens=0.307), PowerProduct(0.58, tokens=0.571),
                      "Li et al. 2025 (Step Law), arXiv 2503.04715", Provenance.SECONDARY, "non_embedding", ("params", 2.1e8, 1.1e9),
                      "AdamW decayed to a rate of 1e-5; dense runs of 215M to 1.07B params on 4B to 100B tokens"),
    HyperparameterLaw("deepseek2024", PowerProduct(0.3118, flops=-0.1250), PowerProduct(0.2920, flops=0.3271),
                      "DeepSeek LLM 2024, arXiv 2401.02954, equation 1", Provenance.SECONDARY, "C = M·D of non-embedding FLOPs",
                      ("flops", 1e17, 2e19),
                      "near its best D/N only; runs of 1e17 to 2e19 FLOPs; a table in Li et al. 2025 prints .3188 for .3118"),
    HyperparameterLaw("porian2024", PowerProduct(3.7, params=-0.36), PowerProduct(0.7576, params=0.703),
                      "Porian et al. 2024, arXiv 2406.19146", Provenance.SECONDARY, "total without the input embedding",
                      ("params", 5e6, 9.01e8), "at 20 tokens per param only: neither depends on D; 5M to 901M params"),
)  # fmt: skip
HYPERPARAMETER_LAWS: dict[str, HyperparameterLaw] = {each.name: each for each in _ALL}
