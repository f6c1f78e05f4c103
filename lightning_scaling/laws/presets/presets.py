"""The published laws, each with its source and provenance. `preset("hoffmann2022")` finds one; `PRESETS` lists them.

Constants mean nothing without where they were read, a tokenizer, a data set and a way of counting N: across presets compare proportions,
not losses.
"""

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from lightning_scaling.laws.capabilities import AllocationLaw, LossLaw, WithSurface
from lightning_scaling.laws.outcomes import Answer, answer
from lightning_scaling.laws.presets.allocation import Allocation, PerTokenAllocation, Proportion
from lightning_scaling.laws.presets.kaplan import KaplanJoint, KaplanSlices
from lightning_scaling.laws.presets.multi_power import MultiPower
from lightning_scaling.laws.presets.repeated import RepeatedData
from lightning_scaling.laws.surface.surface import Optimum, Surface
from lightning_scaling.outcome import Outcome
from lightning_scaling.units import FLOPS_PER_PF_DAY, training_flops

KAPLAN = "Kaplan et al. 2020, arXiv 2001.08361"
HOFFMANN = "Hoffmann et al. 2022, arXiv 2203.15556"
BESIROGLU = "Besiroglu et al. 2024, arXiv 2404.10102"
MULTI_POWER = "Luo et al. 2025, arXiv 2503.12811"
BESIROGLU_ERRORS = {"E": 0.03, "A": 124.58, "B": 1293.23, "alpha": 0.02, "beta": 0.02}
MUENNIGHOFF = Surface(1.8691, 520.8, 1487.7, 0.3526596, 0.3526596)
# Reports that follow a law but print no constants: asked for by name, the answer is why.
WITHOUT_CONSTANTS = {
    "gpt4": "the GPT-4 report (2023) gives the form L = a·C^b + c and no constants; fit_frontier fits it to your runs",
    "baichuan2": "the Baichuan 2 report (2023) gives the form L = a·C^b + c and no constants; fit_frontier fits it to your runs",
    "mindllm": "MindLLM (2023) states that it follows the law; no constants were found",
    "llama2023": "LLaMA (2023) prints no law: 10B on 200B tokens is what the law recommends, yet 7B keeps improving past 1T",
}
_NICKNAMES = {
    "chinchilla": "hoffmann2022",
    "hoffmann": "hoffmann2022",
    "kaplan": "kaplan2020_joint",
    "kaplan2020": "kaplan2020_joint",
    "deepseek": "deepseek2024",
    "llama3": "llama3_2024",
    "llama_3": "llama3_2024",
    "palm2": "palm2_2023",
    "muennighoff": "muennighoff2023",
    "besiroglu": "besiroglu2024",
    "epoch": "besiroglu2024",
}
_ALLOCATES = "it gives how large and how long to train, not the loss that is reached; take a law of L(N, D) such as besiroglu2024"
_NO_LOSS: dict[type, str] = {
    Allocation: _ALLOCATES,
    PerTokenAllocation: _ALLOCATES,
    Proportion: _ALLOCATES,
    KaplanSlices: "Kaplan's slices hold where one of N, D, C limits; for L(N, D) use kaplan2020_joint",
    MultiPower: "the multi-power law is of one model size over its schedule: call its loss(rates)",
}
_NO_OPTIMUM: dict[type, str] = {
    Proportion: "published as a proportion without an anchor, it places no optimum; take a law with one such as hoffmann2022",
    KaplanSlices: "Kaplan's slices place no optimum; use kaplan2020_allocation",
    MultiPower: "the multi-power law is of one model size and places no optimum",
}


class Provenance(Outcome):
    """How far the constants of a preset can be trusted."""

    PRIMARY = "read in the primary text or its authors' repository"
    SECONDARY = "read in several secondary sources that agree"
    REFITTED = "fitted again from the published points"
    UNVERIFIED = "not verified"


@dataclass(frozen=True)
class Preset:
    """A published law.

    Args:
        name: how it is asked for.
        law: the arithmetic.
        source: authors, year, where.
        provenance: how the constants were obtained.
        counts: which N: "total", "non_embedding", "FLOPs per token", or "" where the source does not state it.
        note: what a user must know before comparing it with another.
        errors: published standard errors or intervals of constants.
    """

    name: str
    law: LossLaw | AllocationLaw | Proportion | KaplanSlices | MultiPower
    source: str
    provenance: Provenance
    counts: str = "total"
    note: str = ""
    errors: dict[str, Any] = field(default_factory=dict)

    @property
    def predicts_loss(self) -> Answer:
        """Whether `predict` has an answer."""
        return answer(isinstance(self.law, LossLaw), _NO_LOSS.get(type(self.law), "this law predicts no loss"))

    @property
    def split_identified(self) -> Answer:
        """Whether `optimum` has an answer: how to split a budget between params and tokens."""
        return answer(isinstance(self.law, AllocationLaw), _NO_OPTIMUM.get(type(self.law), "this law places no optimum"))

    def predict(self, params: Any, tokens: Any) -> Any:
        """Loss at N params and D tokens; ValueError where the law knows no loss."""
        if isinstance(self.law, LossLaw):
            return self.law.predict(params, tokens)
        raise ValueError(self.predicts_loss.remedy)

    def optimum(self, flops: Any) -> Optimum:
        """The best N and D for `flops`; ValueError where the law places none."""
        if isinstance(self.law, AllocationLaw):
            return self.law.optimum(flops)
        raise ValueError(self.split_identified.remedy)


def surface_of(law: object) -> Surface | None:
    """The L(N, D) of five constants inside a preset, a fit or a law of repeated data; None for laws of another form."""
    inner = law.law if isinstance(law, Preset) else law
    while isinstance(inner, WithSurface):
        inner = inner.surface
    return inner if isinstance(inner, Surface) else None


P, S, REFITTED, UNVERIFIED = Provenance.PRIMARY, Provenance.SECONDARY, Provenance.REFITTED, Provenance.UNVERIFIED
_ALL = [
    Preset("kaplan2020_slices", KaplanSlices(0.076, 8.8e13, 0.095, 5.4e13, 0.050, 3.1e8), KAPLAN, S, "non_embedding",
           "one variable at a time; never mixed with the joint constants"),
    Preset("kaplan2020_joint", KaplanJoint(0.076, 0.103, 6.4e13, 1.8e13), KAPLAN, S, "non_embedding",
           "no floor: not for far extrapolation"),
    Preset("kaplan2020_allocation", Allocation(1.3e9, 0.73, 2e10, 0.27, FLOPS_PER_PF_DAY), KAPLAN, S, "non_embedding",
           "for compute at the critical batch size, so 6ND is 1.8 times C"),
    Preset("hoffmann2022", Surface(1.69337368, 406.401018, 410.722827, 0.33917084, 0.2849083), HOFFMANN + ", approach 3, unrounded",
           S, "total", "the fit stopped early; see besiroglu2024; a size gets 6 to 19 % more tokens than in its table A3"),
    Preset("hoffmann2022_rounded", Surface(1.69, 406.4, 410.7, 0.34, 0.28), HOFFMANN + ", approach 3 as printed", S, "total",
           "rounding moves tokens per param at 5.76e23 from 59 to 93"),
    Preset("sardana2024", Surface(1.69, 406.4, 410.7, 0.336, 0.283), "Sardana et al. 2024, arXiv 2401.00448", P, "total",
           "hoffmann2022_rounded with the exponents of their analysis of served models"),
    Preset("hoffmann2022_approach1", Allocation(1e9 / training_flops(1e9, 20.2e9) ** 0.5, 0.50, None, 0.50), HOFFMANN + ", approach 1",
           S, "total", "placed by its printed row of 1B params and 20.2B tokens; table 3 within 10 %",
           {"N_exponent": (0.488, 0.502), "D_exponent": (0.501, 0.512)}),
    Preset("hoffmann2022_approach2", Allocation(1e9 / 1.20e20**0.49, 0.49, None, 0.51), HOFFMANN + ", approach 2",
           S, "total", "placed by its printed row of 1B params on 20.0B tokens at 1.20e20 FLOPs; table A3 to its digits",
           {"N_exponent": (0.462, 0.534), "D_exponent": (0.483, 0.529)}),
    Preset("besiroglu2024", Surface(1.8172, 482.01, 2085.43, 0.3478, 0.3658), BESIROGLU, S, "total", "240 points of Hoffmann's figure",
           BESIROGLU_ERRORS),
    Preset("besiroglu2024_exact", Surface(1.8172180990, 477.82586823, 2143.4173634, 0.34731049888, 0.36717243279), BESIROGLU,
           REFITTED, "total", "the exact minimum of the same objective on the same 240 points, 3.6e-4 below the published fit",
           BESIROGLU_ERRORS),
    Preset("muennighoff2023", RepeatedData(MUENNIGHOFF, 15.387756, 5.309743), "Muennighoff et al. 2023, arXiv 2305.16264", P, "total",
           "for fresh data the plain surface; give unique tokens for repeated data"),
    Preset("deepseek2024", PerTokenAllocation(0.1715, 0.5243, 5.8316, 0.4757), "DeepSeek LLM 2024, arXiv 2401.02954", S,
           "FLOPs per token", "its size is M, non-embedding FLOPs per token, with C = M·D; N* here is M/6, attention left out"),
    Preset("llama3_2024", Allocation(None, None, 0.299, 0.537), "Llama 3 2024, arXiv 2407.21783, digitised", UNVERIFIED, "",
           "16.3T tokens at 3.8e25 against 16.55T printed"),
    Preset("llama3_2024_printed", Allocation(None, None, 0.29, 0.53), "Llama 3 2024, arXiv 2407.21783, as printed", UNVERIFIED, "",
           "rounded: it gives 10.5T tokens at 3.8e25 where the text prints 16.55T"),
    Preset("palm2_2023", Proportion(0.5, 0.5), "PaLM 2 2023, arXiv 2305.10403", P, "",
           "N and D grow in equal proportion; no constants"),
    Preset("multi_power_25m", MultiPower(3.040, 0.525, 0.508, 364, 2.07, 0.583, 0.641), MULTI_POWER, P, "", "Llama-2-like 25M"),
    Preset("multi_power_100m", MultiPower(2.651, 0.601, 0.453, 438, 2.13, 0.598, 0.655), MULTI_POWER, P, "", "Llama-2-like 100M"),
    Preset("multi_power_400m", MultiPower(2.375, 0.654, 0.429, 524, 2.03, 0.594, 0.635), MULTI_POWER, P, "", "Llama-2-like 400M"),
]  # fmt: skip
PRESETS: dict[str, Preset] = {each.name: each for each in _ALL}


def preset(name: str) -> Preset:
    """A published law by name; dashes, dots and capitals do not matter.

    >>> preset("Hoffmann2022").law.alpha
    0.33917084
    """
    key = name.lower().replace("-", "_").replace(".", "_").replace(" ", "_")
    if key in WITHOUT_CONSTANTS:
        raise ValueError(WITHOUT_CONSTANTS[key])
    if key not in PRESETS:
        raise ValueError(f"no published law {name!r}{_suggestion(key)}; there are {', '.join(PRESETS)}")
    return PRESETS[key]


def _suggestion(key: str) -> str:
    """The nearest names: 'chinchilla' is a nickname of Hoffmann's, and letters are swapped or years left out.

    >>> _suggestion("hofmann2022"), _suggestion("chinchilla"), _suggestion("zzz")
    (' (did you mean hoffmann2022?)', ' (did you mean hoffmann2022?)', '')
    """
    near = [_NICKNAMES[key]] if key in _NICKNAMES else get_close_matches(key, PRESETS, n=2, cutoff=0.6)
    near = near or [name for name in PRESETS if len(key) > 3 and name.startswith(key)][:2]
    near = [name for name in near if name == near[0] or abs(len(name) - len(key)) <= 1]
    return f" (did you mean {' or '.join(near)}?)" if near else ""
