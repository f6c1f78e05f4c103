"""How long the report of many runs takes and how large it is: `python benchmarks/report.py [--runs 300 5000 10000]`.

Bars at 5 000 runs of 400 points: 30 s and 5 MB, with reading and fitting; the command runs as a user runs it, in a process of its own.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from store_makers import EXPERIMENT, fill


def measured(runs: int, folder: Path) -> str:
    """One line: seconds, megabytes of the page and of everything written."""
    store = f"sqlite:///{folder}/mlflow.db"
    fill(store, runs, 400, histories=False)
    command = [
        sys.executable,
        "-c",
        "from lightning_scaling.cli import main; main()",
        "report",
        "--experiment",
        EXPERIMENT,
        "--store",
        store,
        "--out",
        str(folder / "out"),
    ]
    began, before = time.perf_counter(), _cpu()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds, cpu = time.perf_counter() - began, _cpu() - before
    size = (folder / "out" / "report.html").stat().st_size / 1e6
    whole = sum(file.stat().st_size for file in (folder / "out").iterdir()) / 1e6
    return f"{runs} runs: {seconds:.1f} s ({cpu:.1f} s of CPU), page {size:.2f} MB, with pictures and CSV beside it {whole:.2f} MB"


def _cpu() -> float:
    """Seconds of processes that have ended: what the time would be on a machine that nobody shares."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Make each store and report it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, nargs="+", default=[300, 5000, 10_000])
    warnings.simplefilter("ignore")
    for runs in options.parse_args().runs:
        with tempfile.TemporaryDirectory() as name:
            print(measured(runs, Path(name)), flush=True)


if __name__ == "__main__":
    main()
