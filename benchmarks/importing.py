"""Reading a log of ten million points: rows a second and memory, beside pandas and pyarrow reading the same file into memory.

Each reader runs in a process of its own, so that its peak memory is its own, less that of an interpreter with the same imports.

    python benchmarks/importing.py --rows 10000000
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

READERS = ("lightning-scaling", "pandas", "pyarrow")


def main() -> None:
    """Write the file, read it by each reader in turn, print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--sparse", action="store_true", help="leave the learning rate empty in every tenth row, so that no block is clean")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", nargs=2, metavar=("READER", "FILE"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(measured(*given.child)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        write(path, given.rows, given.sparse)
        found = [
            {"reader": reader, "rows": given.rows, "megabytes": path.stat().st_size / 1e6, **child(reader, path)} for reader in READERS
        ]
    if given.json:
        print(json.dumps(found))
        return
    for each in found:
        speed = f"{each['seconds']:6.1f} s  {each['rows'] / each['seconds'] / 1e6:5.2f} M rows/s"
        print(f"{each['reader']:18} {speed}  {each['memory_mb']:6.0f} MB above the interpreter  {each['points']} points")


def write(path: Path, rows: int, sparse: bool) -> None:
    """A falling loss with a linear rate, three columns."""
    with path.open("w") as file:
        file.write("step,loss,lr\n")
        for i in range(1, rows + 1):
            rate = "" if sparse and i % 10 == 0 else f"{3e-4 * (1 - i / rows):.4e}"
            file.write(f"{i},{2 + 30 / (i + 100) ** 0.5:.5f},{rate}\n")


def child(reader: str, path: Path) -> dict[str, float]:
    """The measurement of a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--child", reader, str(path)], check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def measured(reader: str, path: str) -> dict[str, float]:
    """Seconds, peak memory above that before reading, and how many points were read."""
    read = {"lightning-scaling": by_us, "pandas": by_pandas, "pyarrow": by_pyarrow}[reader]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    points = read(path)
    return {
        "seconds": time.perf_counter() - start,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before,
        "points": points,
    }


def by_us():
    """The importer."""
    from lightning_scaling.importers import read_run

    return lambda path: len(read_run(path).curve)


def by_pandas():
    """pandas' C reader."""
    import pandas as pd

    return lambda path: len(pd.read_csv(path))


def by_pyarrow():
    """pyarrow's reader, on all cores."""
    import pyarrow.csv

    return lambda path: pyarrow.csv.read_csv(path).num_rows


if __name__ == "__main__":
    main()
