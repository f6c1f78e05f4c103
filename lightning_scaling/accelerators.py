"""Peak FLOP/s of accelerators, dense, as their vendors print them: what a budget of GPUs and days can compute.

NVIDIA prints tensor-core numbers with 2:4 sparsity from Hopper on; training is dense, so half of them are listed here. A training reaches
a share of the peak, its model FLOPs utilisation (MFU): 38 to 43 % for Llama 3 405B (its report).
"""

from dataclasses import dataclass
from difflib import get_close_matches

SECONDS_PER_DAY = 86_400


@dataclass(frozen=True)
class Accelerator:
    """Dense peak FLOP/s in bf16 (fp16 where the chip has no bf16) and in fp8 (None: none), with the vendor's document."""

    name: str
    bf16: float
    fp8: float | None
    source: str


_H100 = "NVIDIA H100 datasheet: 1 979 (bf16) and 3 958 (fp8) TFLOPS with sparsity, halved"
_ALL = (
    Accelerator("v100", 125e12, None, "NVIDIA V100 datasheet, SXM2 (fp16)"),
    Accelerator("a100", 312e12, None, "NVIDIA A100 datasheet, dense"),
    Accelerator("a10", 125e12, None, "NVIDIA A10 datasheet, dense"),
    Accelerator("l4", 121e12, 242e12, "NVIDIA L4 datasheet: 242 and 485 TFLOPS with sparsity, halved"),
    Accelerator("h100", 989.4e12, 1978.9e12, _H100 + ", SXM"),
    Accelerator("h100-pcie", 756e12, 1513e12, "NVIDIA H100 datasheet: 1 513 and 3 026 TFLOPS with sparsity, halved, PCIe"),
    Accelerator("h200", 989.4e12, 1978.9e12, "NVIDIA H200 datasheet: the compute of the H100 SXM"),
    Accelerator("b200", 2250e12, 4500e12, "NVIDIA DGX B200 datasheet, a GPU of eight: 36 and 72 PFLOPS with sparsity"),
    Accelerator("mi300x", 1307.4e12, 2614.9e12, "AMD Instinct MI300X datasheet"),
    Accelerator("tpu-v4", 275e12, None, "Google Cloud TPU v4 documentation, a chip"),
    Accelerator("tpu-v5e", 197e12, None, "Google Cloud TPU v5e documentation, a chip"),
    Accelerator("tpu-v5p", 459e12, None, "Google Cloud TPU v5p documentation, a chip"),
    Accelerator("tpu-v6e", 918e12, None, "Google Cloud TPU v6e documentation, a chip"),
)
ACCELERATORS = {each.name: each for each in _ALL}


def accelerator(name: str) -> Accelerator:
    """The accelerator of that name; ValueError suggests the nearest.

    >>> accelerator("H100 PCIe").bf16
    756000000000000.0
    """
    key = name.strip().lower().replace(" ", "-").replace("_", "-").removeprefix("nvidia-").removesuffix("-sxm")
    if key not in ACCELERATORS:
        near = get_close_matches(key, ACCELERATORS, n=1, cutoff=0.5)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ValueError(f"no accelerator {name!r}{hint}; there are {', '.join(ACCELERATORS)}; for another one give the budget as --flops")
    return ACCELERATORS[key]


def budget_flops(chip: Accelerator, count: float, days: float, utilisation: float, fp8: bool = False) -> float:
    """FLOPs that `count` chips spend on the model in `days` at a model FLOPs utilisation.

    >>> f"{budget_flops(accelerator('h100'), 8, 3, 0.4):.3g}"
    '8.21e+20'
    """
    if not 0 < utilisation <= 1:
        raise ValueError(f"--mfu is a share of the peak between 0 and 1, usually .3 to .5; got {utilisation:g}")
    if fp8 and chip.fp8 is None:
        raise ValueError(f"the {chip.name} has no fp8: leave out --fp8")
    peak = chip.fp8 if fp8 and chip.fp8 is not None else chip.bf16
    return peak * count * days * SECONDS_PER_DAY * utilisation
