"""Is the form of the law wrong? Residuals that follow N, D or their ratio say so, whatever their size.

For each direction a quadratic and a cubic in it, freed from what the constants can absorb, are fitted to the residuals; an F test with
Bonferroni's correction for three directions decides.
"""

from dataclasses import dataclass

import numpy as np

from lightning_scaling.arrays import Floats, robust_spread

SURELY = 1e-3
# Share of the residuals' variance from which a structure matters: below it another form would predict hardly better.
SHARE = 0.3
COLUMNS = 2
CLIPPED = 4.0


@dataclass(frozen=True)
class Structure:
    """Residuals that are not noise: what they follow, and the share of their variance that it explains."""

    against: str
    share: float

    def __str__(self) -> str:
        return f"{100 * self.share:.0f} % of the residuals' variance follows {self.against}"


def structure(slopes: Floats, x: Floats, y: Floats, residuals: Floats) -> Structure | None:
    """What residuals (n,) of ln loss follow beyond the law's own derivatives (n, 5), None where they look like noise."""
    from scipy.special import fdtrc

    freedom = len(x) - slopes.shape[1] - COLUMNS
    spread = robust_spread(residuals)
    if freedom < 4 or spread < 1e-9:
        return None
    base, _ = np.linalg.qr(slopes)
    left = np.clip(residuals, -CLIPPED * spread, CLIPPED * spread)
    left = left - base @ (base.T @ left)
    found: list[tuple[float, str]] = []
    for name, along in (("N", x), ("D", y), ("the ratio of tokens to parameters", y - x)):
        shape = np.stack([along**2, along**3], 1)
        shape = shape - base @ (base.T @ shape)
        directions, sizes, _ = np.linalg.svd(shape, full_matrices=False)
        known = np.flatnonzero(sizes > 1e-8 * max(float(along @ along), 1e-300))
        directions = directions[:, known]
        found.append((float(((directions.T @ left) ** 2).sum() / (left @ left)), name))
    share, name = max(found)
    surely = 3 * fdtrc(COLUMNS, freedom, share / COLUMNS / max((1 - share) / freedom, 1e-300)) < SURELY
    return Structure(name, share) if surely and share > SHARE else None
