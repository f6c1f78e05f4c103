"""What share of a stated peak a run reaches (Chowdhery et al. 2022, section 4.1: model FLOPs utilisation).

The peak is always stated by the user and travels with the share: tables of peaks mix dense with sparse rates and formats, which is how
utilisations above 100 % come about.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mfu:
    """The share, and the peak of one device in FLOP/s and number of devices it is a share of."""

    value: float
    peak_flops: float
    devices: int

    def __str__(self) -> str:
        return f"{self.value:.1%} of {self.devices} × {self.peak_flops:.3g} FLOP/s"


def mfu(flops: float, seconds: float, peak_flops: float, devices: int = 1) -> Mfu:
    """Utilisation of `devices` devices that did `flops` model FLOPs in `seconds`.

    Raises:
        ValueError: no positive peak, time or number of devices.

    >>> print(mfu(4e14, 1.0, peak_flops=989e12))
    40.4% of 1 × 9.89e+14 FLOP/s
    """
    if not peak_flops or peak_flops <= 0:
        raise ValueError(f"utilisation needs the device's peak in FLOP/s for the number format used, e.g. 989e12, got {peak_flops!r}")
    if seconds <= 0 or devices < 1:
        raise ValueError(f"seconds and devices must be positive, got {seconds} and {devices}")
    return Mfu(flops / seconds / (peak_flops * devices), float(peak_flops), devices)
