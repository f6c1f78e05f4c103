"""Extrapolation of learning curves without a schedule: ours beside M1–M4 and the broken neural scaling law, on the same points.

    python benchmarks/learning_curves.py --data learning_curves.parquet [--json OUT]

The file holds `domain, task, model, x, loss, is_train` (Alabdulmohsin et al. 2022, arXiv 2209.06640: vision and BIG-bench): a law is
fitted where `is_train` and judged where not. M1–M4 are that paper's, the law with one break is Caballero et al. (2023, arXiv 2210.14891,
equation 1). The error of a curve is the root mean square of log(predicted / true), in per cent, and domains are averaged over curves.
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import least_squares

import lightning_scaling as ls

Law = Callable[[np.ndarray, np.ndarray], np.ndarray]


def m1(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    """beta·x^-c."""
    return np.exp(p[0] - p[1] * np.log(x))


def m2(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Floor + beta·x^-c."""
    return np.exp(p[2]) + m1(p, x)


def m3(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    """beta·(1/x + gamma)^c: levels off without a separate floor."""
    return np.exp(p[0] + p[1] * np.log(1 / x + np.exp(p[2])))


def m4(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(L − floor)/(start − L)^alpha = beta·x^-c, solved for L by bisection."""
    floor = np.exp(p[2])
    start, right = floor + np.exp(p[3]), p[0] - p[1] * np.log(x)
    low, high = np.zeros_like(x), np.ones_like(x)
    for _ in range(36):
        share = (low + high) / 2
        left = np.log(share * (start - floor)) - np.exp(p[4]) * np.log((1 - share) * (start - floor))
        low, high = np.where(left < right, share, low), np.where(left < right, high, share)
    return floor + (start - floor) * (low + high) / 2


def broken(p: np.ndarray, x: np.ndarray) -> np.ndarray:
    """a + b·x^-c0·(1 + (x/d)^(1/f))^(-c1·f), one break."""
    f = np.exp(p[5])
    return np.exp(p[2]) + np.exp(p[0] - p[1] * np.log(x) - p[4] * f * np.logaddexp(0, (np.log(x) - p[3]) / f))


def starts(name: str, x: np.ndarray, y: np.ndarray) -> list[list[float]]:
    """Starting points on a grid of slopes, floors and, where the law has one, breaks."""
    out = []
    for c in (0.1, 0.25, 0.5, 1.0):
        for share in (0.1, 0.5, 0.9):
            top = float(np.log(y[-1]) + c * np.log(x[-1]))
            floor = float(np.log(share * y.min()))
            tails = {"M1": [], "M2": [floor], "M3": [float(np.log(share / x[-1]))], "M4": [floor, float(np.log(y.max())), 0.0]}
            if name == "broken":
                out += [[top, c, floor, float(np.quantile(np.log(x), q)), 0.3, -0.5] for q in (0.3, 0.7)]
            else:
                out.append([top, c, *tails[name]])
    return out


def peer(name: str, law: Law) -> Law:
    """A forecaster that fits `law` by least squares of log loss from every start, and keeps the best."""

    def predict(train: np.ndarray, at: np.ndarray) -> np.ndarray:
        x, y = train[0] / train[0][-1], train[1]
        residual = lambda p: np.clip(np.nan_to_num(np.log(law(p, x)) - np.log(y), nan=9.0), -9, 9)  # noqa: E731
        fits = [least_squares(residual, s, max_nfev=300) for s in starts(name, x, y)]
        return law(min(fits, key=lambda f: f.cost).x, at / train[0][-1])

    return predict


def ours(train: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The package's forecast: no plan is known here."""
    return np.asarray(ls.forecast(ls.Curve(*train), at).loss)


METHODS: dict[str, Law] = {n: peer(n, f) for n, f in (("M1", m1), ("M2", m2), ("M3", m3), ("M4", m4), ("broken", broken))} | {"ours": ours}


def error(method: Law, x: np.ndarray, y: np.ndarray, train: np.ndarray) -> float:
    """Root mean square of log(predicted / true) beyond the training points, per cent."""
    predicted = method(np.array([x[train], y[train]]), x[~train])
    return float(100 * np.sqrt(np.mean(np.log(np.maximum(predicted, 1e-12) / y[~train]) ** 2)))


def compare(path: Path) -> Any:
    """A table of errors, one row a domain, one column a method."""
    import pandas as pd

    rows = []
    for key, curve in pd.read_parquet(path).groupby(["domain", "task", "model"]):
        curve = curve.sort_values("x").drop_duplicates("x")
        x, y, train = curve.x.to_numpy(float), curve.loss.to_numpy(float), curve.is_train.to_numpy(bool)
        rows += [{"domain": key[0], "method": name, "error": error(method, x, y, train)} for name, method in METHODS.items()]
    table = pd.DataFrame(rows)
    both = {"mean": table.pivot_table(index="domain", columns="method", values="error", aggfunc="mean")}
    both["median"] = table.pivot_table(index="domain", columns="method", values="error", aggfunc="median")
    return pd.concat(both)[list(METHODS)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the file, or a folder with learning_curves.parquet")
    parser.add_argument("--json")
    args = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        table = compare(Path(args.data) / "learning_curves.parquet" if Path(args.data).is_dir() else Path(args.data))
    print("error of extrapolation, root mean square of log loss, %\n" + table.round(2).to_string())
    if args.json:
        Path(args.json).write_text(table.T.to_json(indent=1))


if __name__ == "__main__":
    main()
