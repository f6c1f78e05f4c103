"""How the surface fit compares with the PyPI packages that fit the same law: time, objective, intervals, on the same points in one run.

    python benchmarks/surface_peers.py --data FOLDER [--python PYTHON] [--resamples 4000] [--quick] [--json OUT]

FOLDER holds `runs.parquet` with the points of the Chinchilla figure (source chinchilla_svg; Besiroglu et al. 2024 keep 240 of them), or a
`.csv` with columns params, tokens, loss is given instead. The peers are installed into an environment of their own in a temporary folder;
`--python` names an interpreter that has them already. simple-scaling-laws asks for Python 3.12; on an older one it is installed all the
same (its code is plain Python). `--quick` gives chinchilla a grid of 32 starts instead of the 3125 of its README.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import lightning_scaling as ls

PEERS = ("chinchilla==0.2.0", "simple-scaling-laws==0.2.0")
CONSTANTS = ("E", "A", "B", "alpha", "beta")

CHINCHILLA = """
import csv, json, shutil, sys, tempfile, time
from pathlib import Path
import numpy as np
from chinchilla import Chinchilla
rows = list(csv.DictReader(open(sys.argv[1])))
folder = Path(tempfile.mkdtemp())
with open(folder / "df.csv", "w") as file:
    columns = [(6 * float(r["params"]) * float(r["tokens"]), r["params"], r["tokens"], r["loss"]) for r in rows]
    file.write("C,N,D,loss\\n" + "".join(",".join(map(str, row)) + "\\n" for row in columns))
k = int(sys.argv[2])
ranges = dict(E=(1, 2), a=(1, 10), b=(1, 10), alpha=(.1, .7), beta=(.1, .7))
grid = {name: np.linspace(*ends, k) for name, ends in ranges.items()}
start = time.perf_counter()
if __name__ == "__main__":
    model = Chinchilla(str(folder), param_grid=grid, log_level=40)
    model.fit()
    p = model.get_params()
    print("ANSWER", json.dumps(dict(seconds=time.perf_counter() - start, **{k: float(p[k]) for k in ("E", "A", "B", "alpha", "beta")})))
"""

SIMPLE = """
import csv, json, sys, time
import polars as pl
from simple_scaling_laws import fit
rows = list(csv.DictReader(open(sys.argv[1])))
frame = pl.DataFrame(dict(training_run_id=[str(i) for i in range(len(rows))],
    model_size__n_params=[float(r["params"]) for r in rows], dataset_size__tokens=[float(r["tokens"]) for r in rows],
    test_loss__nats=[float(r["loss"]) for r in rows]))
times = []
for draws in (2, int(sys.argv[2])):
    start = time.perf_counter()
    model = fit(frame, law="separable-power", n_draws=draws, seed=0)
    times.append(time.perf_counter() - start)
p = model.params("test_loss__nats")
scale = {name: each["reference"] for name, each in model.observed_domain.items()}
p["A"] *= scale["model_size__n_params"] ** p["alpha"]
p["B"] *= scale["dataset_size__tokens"] ** p["beta"]
print("ANSWER", json.dumps(dict(seconds=times[0], resampled=times[1], **{k: float(p[k]) for k in ("E", "A", "B", "alpha", "beta")})))
"""


def objective(p: dict[str, float], params: np.ndarray, tokens: np.ndarray, loss: np.ndarray) -> float:
    """Summed Huber 1e-3 of log residuals, the objective of Hoffmann et al. that all are judged by."""
    miss = np.abs(np.log(p["E"] + p["A"] / params ** p["alpha"] + p["B"] / tokens ** p["beta"]) - np.log(loss))
    return float(np.where(miss <= 1e-3, miss**2 / 2, 1e-3 * (miss - 5e-4)).sum())


def read(data: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """params, tokens, loss."""
    if data.suffix == ".csv":
        rows = list(csv.DictReader(data.open()))
        return tuple(np.array([float(r[k]) for r in rows]) for k in ("params", "tokens", "loss"))  # type: ignore[return-value]
    import pandas as pd

    runs = pd.read_parquet(data / "runs.parquet")
    kept = runs[(runs.source == "chinchilla_svg") & ~runs.outlier]
    return tuple(kept[k].to_numpy(float) for k in ("n_params", "tokens", "loss"))  # type: ignore[return-value]


def environment(folder: Path) -> str:
    """A Python that has the peers."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "peers")], check=True)
    python = str(folder / "peers" / "bin" / "python")
    pip = [python, "-m", "pip", "install", "-q"]
    subprocess.run([*pip, PEERS[0], "scipy", "polars", "pyyaml"], check=True)
    subprocess.run([*pip, "--no-deps", "--ignore-requires-python", PEERS[1]], check=True)
    return python


def ask(python: str, code: str, *args: str) -> dict[str, float]:
    """What a peer answers, run in its own environment; an empty dict, and its last line, where it fails."""
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(code)
    done = subprocess.run([python, file.name, *args], capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("ANSWER")]
    if not lines:
        print("  failed:", (done.stderr.strip().splitlines() or ["no output"])[-1])
        return {}
    answer: dict[str, float] = json.loads(lines[-1].removeprefix("ANSWER"))
    return answer


def ours(points: tuple[np.ndarray, ...], resamples: int) -> dict[str, float]:
    """The library on the same points: median of seven fits, and one with intervals."""
    times = []
    for _ in range(8):
        start = time.perf_counter()
        fit = ls.fit_surface(*points)
        times.append(time.perf_counter() - start)
    start = time.perf_counter()
    resampled = ls.fit_surface(*points, resamples=resamples, seed=0)
    seconds = time.perf_counter() - start
    errors = {f"error of {k}": resampled.standard_error(k) for k in CONSTANTS}
    return dict(seconds=float(np.median(times[1:])), resampled=seconds, **{k: getattr(fit, k) for k in CONSTANTS}) | errors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=Path)
    parser.add_argument("--python")
    parser.add_argument("--resamples", type=int, default=4000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    points = read(args.data)
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "points.csv"
        table.write_text("params,tokens,loss\n" + "".join(f"{n:.17g},{d:.17g},{x:.17g}\n" for n, d, x in zip(*points, strict=True)))
        python = args.python or environment(Path(folder))
        answers = {"lightning-scaling": ours(points, args.resamples)}
        answers["simple-scaling-laws 0.2.0"] = ask(python, SIMPLE, str(table), str(args.resamples))
        answers["chinchilla 0.2.0"] = ask(python, CHINCHILLA, str(table), "2" if args.quick else "5")
    show(answers, points, args.resamples)
    if args.json:
        args.json.write_text(json.dumps(answers, indent=1))


def show(answers: dict[str, dict[str, float]], points: tuple[np.ndarray, ...], resamples: int) -> None:
    """One line a package."""
    print(f"{len(points[0])} points; {resamples} resamples")
    print(f"{'package':28s}{'J · 1e3':>15s}{'fit, s':>10s}{'resampled, s':>14s}   E, A, B, alpha, beta")
    for name, p in answers.items():
        if not p:
            continue
        resampled = f"{p['resampled']:14.2f}" if "resampled" in p else f"{'none':>14s}"
        found = ", ".join(f"{p[k]:.5g}" for k in CONSTANTS)
        print(f"{name:28s}{1e3 * objective(p, *points):15.10f}{p['seconds']:10.4f}{resampled}   {found}")
    errors = ", ".join(f"{k} {answers['lightning-scaling'][f'error of {k}']:.4g}" for k in CONSTANTS)
    print(f"bootstrap standard errors of lightning-scaling: {errors}")


if __name__ == "__main__":
    main()
