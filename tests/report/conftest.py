"""A ladder of runs whose law is known: L(N, D) = E + A/N^alpha + B/D^beta at the end of a cosine schedule, more before it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling import Curve, Schedule
from lightning_scaling.laws.outcomes import SurfaceOutcome
from lightning_scaling.laws.points import points
from lightning_scaling.laws.runs_fit import RunsFit
from lightning_scaling.laws.surface.surface import Surface
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.record import Prediction, RunRecord, RunState

E, A, B, ALPHA, BETA = 1.05, 33.0, 190.0, 0.37, 0.36


def loss_of(params, tokens):
    return E + A / params**ALPHA + B / tokens**BETA


def a_run(params: int, tokens_per_param: float = 30.0, seen: float = 1.0, seed: int = 0, points: int = 48, **changes) -> RunRecord:
    rng = np.random.default_rng([seed, params])
    budget = int(params * tokens_per_param)
    tokens = np.geomspace(budget / 200, budget, points).round()
    steps = np.arange(0, 1001)
    rate = np.minimum(steps / 20, 1) * (0.55 + 0.45 * np.cos(np.pi * steps / 1000))
    step = 1000 * tokens / budget
    undecayed = np.interp(step, steps, rate) * 0.06 * (tokens / budget) ** 0.2
    loss = (loss_of(params, tokens) + undecayed) * np.exp(rng.normal(0, 0.002, points))
    kept = tokens <= seen * budget
    curve = Curve(tokens[kept], loss[kept], step[kept], Schedule(steps, rate), params)
    return RunRecord(
        key=f"run-{params}",
        curve=curve,
        flops=6.0 * params * tokens[kept],
        conventions=Conventions(loss="val_loss [nats/token]", tokenizer="bytes"),
        groups={"embedding": 16384, "head": 16384, "other": max(params - 32768, 1)},
        planned_tokens=budget,
        predictions=tuple(_predictions(params, budget, seen, rng)),
        ended=seen >= 1,
        state=RunState.FINISHED if seen >= 1 else RunState.RUNNING,
        **{"name": f"gpt-{params // 1000}k", "family": "gpt", "experiment": "ladder"} | changes,
    )


def _predictions(params: int, budget: int, seen: float, rng: np.random.Generator):
    for share in np.arange(0.15, min(seen, 1.0) + 1e-9, 0.05):
        half_width = 0.03 * (1.02 - share) + 0.004
        middle = loss_of(params, budget) * (1 + rng.normal(0, half_width / 4))
        advice = (
            ("CONTINUE", "the next tenth of the budget still brings 1.1 % of loss")
            if share < 0.9
            else ("GROW", "a larger model gains more")
        )
        yield Prediction(int(share * budget), budget, middle, middle * (1 - half_width), middle * (1 + half_width), "FORECAST", *advice)


@pytest.fixture(scope="session")
def make_run() -> Callable[..., RunRecord]:
    return a_run


@pytest.fixture(scope="session")
def ladder() -> list[RunRecord]:
    return [a_run(n) for n in (90_000, 160_000, 280_000, 480_000, 830_000, 1_400_000, 2_500_000)]


@pytest.fixture(scope="session")
def true_law(ladder) -> SurfaceFit:
    """The law the ladder was made from, as a fit without resamples."""
    given = points([r.params for r in ladder], [r.tokens for r in ladder], [r.loss for r in ladder])
    law = Surface(E, A, B, ALPHA, BETA)
    return SurfaceFit(law, 0.0, SurfaceOutcome.IDENTIFIED, "known", given, 0.002, (1, 1), name="this ladder")


@pytest.fixture(scope="session")
def broken_runs() -> list[RunRecord]:
    """No points, no finite loss, no size, and a name that is an attack."""
    empty = RunRecord("empty", Curve([], []), np.array([]), name="<script>alert(1)</script>")
    nan = RunRecord(
        "nan", Curve([1e6, 2e6], [np.nan, np.inf], params=100_000), np.array([6e11, 1.2e12]), name="x" * 200, state=RunState.INTERRUPTED
    )
    sizeless = replace(a_run(200_000), key="sizeless", name="$\\frac{a}{b}$ & <b>", flops=np.array([]))
    return [empty, nan, replace(sizeless, curve=replace(sizeless.curve, params=None))]


@pytest.fixture(scope="session")
def ladder_fit(ladder):
    from lightning_scaling.laws import fit_runs

    return fit_runs(ladder)


@pytest.fixture(scope="session")
def fit_with(ladder) -> Callable[..., RunsFit]:
    """fit_with(law): the ladder's fit, its L(N, D) replaced by a known one."""
    from lightning_scaling.laws import fit_runs

    return lambda law, runs=None: replace(fit_runs(ladder if runs is None else runs, resamples=0), surface=law)
