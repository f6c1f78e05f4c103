"""A thousand simulated sweeps with known laws: bias, coverage of every interval under each outcome, other forms of the law.

    python benchmarks/laws_worlds.py [--worlds 1000] [--quick] [--json OUT] [--rows seeds | distinct]

Each world draws a law, a design (grid, IsoFLOP, random; 9 to 200 runs) and a noise (.1 to 2 %). Four kinds of tables:
1. bias of predict_larger at ten times the largest compute against the number of runs, at fixed laws (bar: a tenth of the noise), and
   of what the other estimators find;
2. coverage of the 90 % bootstrap interval of each constant and of N*(C), by the outcome of the fit (bar under IDENTIFIED: .86 to .94);
3. laws with another outer exponent kappa: predict_larger's coverage of the true loss (bar: .85);
4. designs: error at 100 times the largest compute, median and 90th percentile.

With --rows only the time and memory of `fit_runs` on a million rows: 1 000 configurations of 1 000 seeds, or all different.
"""

import argparse
import json
import resource
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from lightning_scaling.laws import (
    KappaSurface,
    Surface,
    SweepDesign,
    finished_table,
    fit_frontier,
    fit_runs,
    fit_surface,
    isoflops,
    predict_larger,
    simulate_runs,
)
from lightning_scaling.laws.surface.surface import CONSTANTS

# Published surfaces: Hoffmann et al. 2022, Besiroglu et al. 2024, Muennighoff et al. 2023.
LAWS = (
    Surface(1.69, 406.4, 410.7, 0.34, 0.28),
    Surface(1.8172, 482.01, 2085.43, 0.3478, 0.3658),
    Surface(1.8691, 520.8, 1487.7, 0.3526596, 0.3526596),
)
KAPPA_LAWS = {
    0.4: KappaSurface(1.2, 3e8, 8e7, 1.0, 0.75, 0.4),
    0.5: KappaSurface(1.2, 3.5e6, 1.5e6, 0.8, 0.6, 0.5),
    1.0: KappaSurface(1.7, 400.0, 410.0, 0.34, 0.28, 1.0),
    2.0: KappaSurface(1.2, 18.0, 20.0, 0.17, 0.15, 2.0),
}


def bias(worlds: int) -> list[dict[str, float]]:
    """Mean error of the loss at ten times the largest compute, in units of the noise, for grids of 36 to 400 runs.

    Each world is drawn with its mirror image (the noise's sign turned), which takes the noise's own error out of the mean.
    """
    rows = []
    for noise in (0.002, 0.005, 0.02):
        for side in (6, 10, 20):
            design = SweepDesign.grid(np.geomspace(1e7, 3e8, side), np.geomspace(1e9, 3e10, side))
            off = []
            for seed in range(worlds):
                law = LAWS[seed % len(LAWS)]
                runs = simulate_runs(law, design, noise, seed=seed)
                pair = (runs.loss, runs.expected**2 / runs.loss)
                found = [predict_larger(runs.params, runs.tokens, loss, 9e8, 1e11).loss for loss in pair]
                off.append(np.mean(found) / law.predict(9e8, 1e11) - 1)
            error = float(np.std(off) / np.sqrt(len(off)))
            rows.append(
                {"noise": noise, "runs": side**2, "bias": float(np.mean(off)), "error": error, "in_noise": float(np.mean(off) / noise)}
            )
    return rows


def bias_of_fits(worlds: int) -> list[dict[str, float]]:
    """Mean relative error, %, of exponents and floors against the number of runs: surface, IsoFLOP parabolas, frontier.

    Five IsoFLOP curves of 7, 20 and 80 sizes; for the frontier as many runs at the optimum of a law of compute. Noise and its mirror image.
    """
    rows = []
    budgets = np.geomspace(3e17, 3e20, 5)
    for noise in (0.002, 0.02):
        for sizes in (7, 20, 80):
            design, off = SweepDesign.isoflops(budgets, sizes), defaultdict(list)
            for seed in range(worlds):
                law, compute = LAWS[seed % len(LAWS)], np.geomspace(3e17, 3e20, 5 * sizes)
                runs, z = simulate_runs(law, design, noise, seed=seed), np.random.default_rng(seed).standard_normal(5 * sizes)
                for sign, loss in ((1, runs.loss), (-1, runs.expected**2 / runs.loss)):
                    fit = fit_surface(runs.params, runs.tokens, loss)
                    for name in ("E", "alpha", "beta"):
                        off[name].append(getattr(fit, name) / getattr(law, name) - 1)
                    off["a"].append(fit.surface.N_exponent / law.N_exponent - 1)
                    growth = isoflops(runs.params, runs.tokens, loss).growth
                    off["a, IsoFLOP"].append(np.nan if growth is None else growth.N_exponent / law.N_exponent - 1)
                    frontier = fit_frontier(compute, (law.E + (1e20 / compute) ** 0.15) * np.exp(sign * noise * z))
                    off["floor, frontier"].append(frontier.floor / law.E - 1)
                    off["exponent, frontier"].append(frontier.floor_exponent / 0.15 - 1)
            rows.append({"noise": noise, "runs": 5 * sizes, **{name: 100 * float(np.nanmean(each)) for name, each in off.items()}})
    return rows


def random_world(rng: np.random.Generator) -> tuple[Surface, SweepDesign, float]:
    """A law, a design and a noise."""
    alpha, beta = rng.uniform(0.05, 0.6, 2)
    floor, center = rng.uniform(1.2, 2.2), rng.uniform(0.4, 1.0, 2)
    law = Surface(floor, center[0] * 3e8**alpha, center[1] * 6e9**beta, alpha, beta)
    noise = float(10 ** rng.uniform(-3, -1.7))
    kind = rng.integers(3)
    if kind == 0:
        side = int(rng.integers(3, 11))
        wide = rng.uniform(0.6, 2.5)
        return (
            law,
            SweepDesign.grid(3e8 * 10 ** np.linspace(-wide / 2, wide / 2, side), 6e9 * 10 ** np.linspace(-wide / 2, wide / 2, side)),
            noise,
        )
    if kind == 1:
        budgets = 1e19 * 10 ** np.linspace(-1.5, 1.5, int(rng.integers(3, 8)))
        return law, SweepDesign.isoflops(budgets, int(rng.integers(4, 16)), rng.uniform(0.4, 1.0)), noise
    count = int(rng.integers(9, 201))
    return law, SweepDesign(3e8 * 10 ** rng.uniform(-1.2, 1.2, count), 6e9 * 10 ** rng.uniform(-1.2, 1.2, count), np.arange(count)), noise


def coverage(worlds: int, resamples: int = 200) -> dict[str, dict[str, float]]:
    """Share of worlds whose 90 % interval holds the truth, for each constant and N*(100 C), by outcome."""
    inside: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for seed in range(worlds):
        law, design, noise = random_world(np.random.default_rng(seed))
        runs = simulate_runs(law, design, noise, seed=seed)
        fit = fit_surface(runs.params, runs.tokens, runs.loss, resamples=resamples, seed=seed)
        row = inside[fit.outcome.name]
        flops = 10 * float(fit.points.flops.max())
        for name in CONSTANTS:
            low, high = fit.interval(name, 0.9)
            row[name].append(low <= getattr(law, name) <= high)
        low, high = fit.optimum(flops, 0.9).params_interval or (np.nan, np.nan)
        row["N*"].append(low <= law.optimum(flops).params <= high)
        row["alpha threefold off"].append(not 1 / 3 < fit.alpha / law.alpha < 3)
    return {name: {"worlds": len(row["E"]), **{k: float(np.mean(v)) for k, v in row.items()}} for name, row in inside.items()}


def forms(worlds: int) -> list[dict[str, float]]:
    """Other forms: error and coverage of the true loss at four to ten times the largest compute fitted."""
    design = SweepDesign.grid(np.geomspace(5e7, 1.6e9, 6), np.geomspace(6e9, 3e11, 8))
    rows = []
    for kappa, law in KAPPA_LAWS.items():
        for noise in (0.001, 0.005):
            off, inside = [], []
            for seed in range(worlds):
                runs = simulate_runs(law, design, noise, seed=seed)
                compute = runs.params * runs.tokens
                seen, asked = compute <= compute.max() / 10, compute >= 0.4 * compute.max()
                p = predict_larger(runs.params[seen], runs.tokens[seen], runs.loss[seen], runs.params[asked], runs.tokens[asked])
                off += list(p.loss / runs.expected[asked] - 1)
                inside += list((p.low <= runs.expected[asked]) & (runs.expected[asked] <= p.high))
            rows.append({"kappa": kappa, "noise": noise, "error": float(np.mean(np.abs(off))), "inside": float(np.mean(inside))})
    return rows


DESIGNS = {
    "ladder of 7 sizes over 1000 x": SweepDesign.ladder(np.geomspace(1e7, 1e7 * 1000**0.5, 7)),
    "ladder of 5 sizes over 30 x": SweepDesign.ladder(np.geomspace(6e7, 6e7 * 30**0.5, 5)),
    "IsoFLOP, 3 budgets x 5 sizes over 10 x": SweepDesign.isoflops(np.geomspace(1e18, 1e19, 3), 5),
    "IsoFLOP, 5 budgets x 5 sizes over 30 x": SweepDesign.isoflops(np.geomspace(1e18, 3e19, 5), 5),
    "IsoFLOP, 7 budgets x 7 sizes over 1000 x": SweepDesign.isoflops(np.geomspace(1e17, 1e20, 7), 7),
}


def drawn_law(rng: np.random.Generator) -> KappaSurface:
    """A law about the published ones: floor 40 to 65 % of the loss at 1B parameters and 20B tokens, exponents .25 to .45, kappa .5 to 1."""
    share, alpha, beta, kappa = rng.uniform(0.4, 0.65), *rng.uniform(0.25, 0.45, 2), rng.choice([1.0, 1.0, 0.7, 0.5])
    at_n, at_d = rng.uniform(0.35, 0.65) * np.array([1, -1]) + np.array([0, 1])
    reducible = 2.5 * (1 - share)
    inner = reducible ** (1 / kappa)
    scale_n, scale_d = inner * at_n * 1e9 ** (alpha / kappa), inner * at_d * 2e10 ** (beta / kappa)
    return KappaSurface(2.5 * share, scale_n, scale_d, alpha / kappa, beta / kappa, kappa)


def planning(worlds: int) -> list[dict[str, str | float]]:
    """Error at 100 times the largest compute, 20 tokens per parameter: median and 90th percentile over worlds, by design and noise."""
    rows: list[dict[str, str | float]] = []
    for name, design in DESIGNS.items():
        row: dict[str, str | float] = {"design": name}
        target = np.sqrt(100 * (design.params * design.tokens).max() / 20)
        for noise in (0.001, 0.002, 0.005):
            off = []
            for seed in range(worlds):
                law = drawn_law(np.random.default_rng(seed))
                runs = simulate_runs(law, design, noise, seed=seed)
                p = predict_larger(runs.params, runs.tokens, runs.loss, target, 20 * target)
                off.append(abs(p.loss / law.predict(target, 20 * target) - 1))
            row[f"{100 * noise:g} % noise"] = f"{100 * np.median(off):.1f}/{100 * np.quantile(off, 0.9):.1f}"
        rows.append(row)
    return rows


def million(kind: str) -> None:
    """Seconds and peak memory of every law of a million rows, intervals left out (bar: 10 s, 400 MB)."""
    design = SweepDesign.grid(np.geomspace(1e7, 1e10, 40), np.geomspace(1e9, 1e12, 25))
    runs = simulate_runs(LAWS[0], design, 0.005, seeds=1000)
    near = np.exp(0.1 * np.random.default_rng(0).standard_normal(10**6)) if kind == "distinct" else 1.0
    params = runs.params * near
    loss = runs.loss / runs.expected * LAWS[0].predict(params, runs.tokens)
    start, used = time.perf_counter(), time.process_time()
    fit = fit_runs(finished_table(params, runs.tokens, loss), resamples=0)
    seconds, used = time.perf_counter() - start, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{kind}: {seconds:.1f} s ({used:.1f} s of processor time), {peak:.0f} MB at most; {fit.surface.because}")


def table(rows: list[dict[str, float]]) -> None:
    """Rows of one shape, aligned."""
    print("  ".join(f"{name:>9}" for name in rows[0]))
    for row in rows:
        print("  ".join(f"{value:{max(len(name), 9)}.4g}" for name, value in row.items()))


def main() -> None:
    """Run the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", type=int, default=1000, help="of the coverage table; the others take a share of them")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rows", choices=("seeds", "distinct"))
    args = parser.parse_args()
    if args.rows:
        return million(args.rows)
    worlds = args.worlds // 10 if args.quick else args.worlds
    out = {
        "bias": bias(max(worlds // 80, 3)),
        "bias_of_fits": bias_of_fits(max(worlds // 20, 3)),
        "coverage": coverage(worlds),
        "forms": forms(max(worlds // 80, 3)),
    }
    print("bias of predict_larger at ten times the largest compute")
    table(out["bias"])  # type: ignore[arg-type]
    print("bias of the other estimators, % of the truth")
    table(out["bias_of_fits"])  # type: ignore[arg-type]
    print("coverage of 90 % intervals by outcome")
    for name, row in out["coverage"].items():  # type: ignore[attr-defined]
        print(f"{name:22}", {k: round(v, 3) for k, v in row.items()})
    print("laws with another outer exponent")
    table(out["forms"])  # type: ignore[arg-type]
    planned = planning(max(worlds // 25, 3))
    print("error at 100 times the largest compute, %: median/90th percentile")
    for row in planned:
        print("  ".join(f"{value:>42}" if name == "design" else f"{name}: {value:>9}" for name, value in row.items()))
    if args.json:
        args.json.write_text(json.dumps(out | {"planning": planned}, indent=1))


if __name__ == "__main__":
    main()
