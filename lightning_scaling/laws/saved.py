"""A fitted law as JSON: constants, intervals, points and procedure, so that it can be used and repeated anywhere."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lightning_scaling.laws.outcomes import SurfaceOutcome
from lightning_scaling.laws.points import points
from lightning_scaling.laws.surface.surface import CONSTANTS, Surface
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.run.record import finite_json

if TYPE_CHECKING:
    from lightning_scaling.laws.runs_fit import RunsFit

FORMAT = "lightning-scaling law"
VERSION = 1


def to_json(law: SurfaceFit) -> dict[str, Any]:
    """A plain dict with format and version; `from_json` brings the same law back."""
    resamples = None if law.resamples is None else {k: [float(f"{v:.10g}") for v in getattr(law.resamples, k)] for k in CONSTANTS}
    kept = {k: getattr(law.points, k).tolist() for k in ("params", "tokens", "loss", "groups")}
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": law.name,
        "form": "E + A/N^alpha + B/D^beta",
        "constants": {k: finite_json(getattr(law, k)) for k in CONSTANTS},
        "intervals_90": None if resamples is None else {k: finite_json(law.interval(k, 0.9)) for k in (*CONSTANTS, "N_exponent")},
        "outcome": law.outcome.name,
        "because": law.because,
        "flops_per_param_and_token": law.flops_per,
        "objective": finite_json(law.objective),
        "noise": finite_json(law.noise),
        "agreement": list(law.agreement),
        "procedure": law.procedure,
        "points": kept,
        "resamples": resamples,
    }


def from_json(data: Any) -> SurfaceFit:
    """The law `to_json` wrote; ValueError states what is wrong with a damaged, unknown or newer document."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError("it is not a law saved by lightning-scaling")
    if not isinstance(data.get("version"), int) or not 1 <= data["version"] <= VERSION:
        raise ValueError(f"it has version {data.get('version')!r} and this program reads 1 to {VERSION}: update lightning-scaling")
    try:
        return _read(data)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"it is damaged ({type(error).__name__}: {error})") from error


def save(law: "SurfaceFit | RunsFit", path: str | Path) -> Path:
    """Write L(N, D) to `path` as JSON; of a fit of runs its surface."""
    surface = law if isinstance(law, SurfaceFit) else law.surface
    Path(path).write_text(json.dumps(to_json(surface), indent=1) + "\n")
    return Path(path)


def load(path: str | Path) -> SurfaceFit:
    """The law saved at `path`; ValueError with one line for a file that is missing, damaged or of another kind."""
    try:
        return from_json(json.loads(Path(path).read_text()))
    except OSError as error:
        raise ValueError(f"cannot read the law {path}: {error.strerror or error}") from error
    except ValueError as error:
        reason = "it is not JSON" if isinstance(error, (json.JSONDecodeError, UnicodeDecodeError)) else error
        raise ValueError(f"cannot read the law {path}: {reason}") from error


def _read(data: dict[str, Any]) -> SurfaceFit:
    outcome = SurfaceOutcome[data["outcome"]]
    constants = Surface(*(float("nan") if data["constants"][k] is None else float(data["constants"][k]) for k in CONSTANTS))
    sound = all(np.isfinite(v) and v >= 0 for v in vars(constants).values())
    if not sound and outcome is not SurfaceOutcome.TOO_FEW_POINTS:
        raise ValueError(f"constants must be finite numbers, got {data['constants']}")
    many = data["resamples"] and Surface(*(np.asarray(data["resamples"][k], dtype=np.float64) for k in CONSTANTS))
    given = points(*(data["points"][k] for k in ("params", "tokens", "loss", "groups")))
    numbers = [float("nan") if data[k] is None else float(data[k]) for k in ("objective", "noise")]
    first, of = (int(v) for v in data["agreement"])
    return SurfaceFit(
        constants, numbers[0], outcome, str(data["because"]), given, numbers[1], (first, of), many or None,
        dict(data["procedure"]), str(data["name"]), float(data["flops_per_param_and_token"]),
    )  # fmt: skip
