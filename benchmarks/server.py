"""How quickly the page /scaling answers with many runs: `python benchmarks/server.py [--runs 1000]`, in headless Chromium.

Bars at 1 000 runs of 400 points: first paint within 2 s, controls without visible lag (one redraw within 100 ms).
"""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from store_makers import EXPERIMENT, fill

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# one redraw is over when the next frame comes
REDRAW = "async (act) => { const t = performance.now(); act(); await new Promise(requestAnimationFrame); return performance.now() - t; }"


@contextlib.contextmanager
def page_server(backend: str, folder: Path) -> Iterator[str]:
    """`mlflow server --app-name lightning-scaling` on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = [
        "--app-name",
        "lightning-scaling",
        "--backend-store-uri",
        backend,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    quiet = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # MLflow's own job runners start for half a minute
    with open(folder / "server.log", "w") as log:
        command = [sys.executable, "-m", "mlflow", "server", *given]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=quiet, start_new_session=True)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            time.sleep(0.25)
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def opened(browser: Any, address: str, runs: int) -> tuple[Any, dict[str, float]]:
    """A page with all runs drawn, and how long that took."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    began = time.perf_counter()
    page.goto(address)
    page.wait_for_selector(f'#loss-chart[data-runs="{runs}"]', timeout=120_000)
    drawn = 1000 * (time.perf_counter() - began)
    paint = page.evaluate("performance.getEntriesByType('paint').find(e => e.name === 'first-contentful-paint').startTime")
    sent = page.evaluate("performance.getEntriesByType('resource').reduce((sum, e) => sum + e.transferSize, 0)")
    return page, {"first paint ms": paint, "all runs drawn ms": drawn, "sent kB": sent / 1000}


def interaction(page: Any) -> dict[str, float]:
    """Milliseconds from an action to the frame that shows it: the slowest of three."""

    def slowest(act: str) -> float:
        return max(float(page.evaluate(f"({REDRAW})(() => {{ {act} }})")) for _ in range(3))

    choose = "const x = document.querySelector('#x'); x.value = '{0}'; x.dispatchEvent(new Event('change'))".format
    at = "{clientX: 300 + 200 * Math.random(), clientY: 400}"
    move = f"document.querySelector('#loss-chart').dispatchEvent(new PointerEvent('pointermove', {at}))"
    slide = "const b = document.querySelector('#budget'); b.value = Number(b.value) + 1; b.dispatchEvent(new Event('input'))"
    axes = max(slowest(choose(axis)) for axis in ("flops", "tokens", "params", "pf_days"))
    reported = {"switch axis ms": axes, "pointer ms": slowest(move)}
    return {**reported, "slider ms": slowest(slide)}


def main() -> None:
    """Make the store, open the page cold and warm, print what was measured."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=1000)
    given = options.parse_args()
    warnings.simplefilter("ignore")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name:
        store = f"sqlite:///{name}/mlflow.db"
        fill(store, given.runs, 400, histories=False)
        with page_server(store, Path(name)) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            print(f"{given.runs} runs of 400 points in experiment {EXPERIMENT!r}")
            for state in ("cold", "warm"):
                page, times = opened(browser, f"{address}/scaling", given.runs)
                print(f"{state}: " + ", ".join(f"{name} {value:.0f}" for name, value in times.items()), flush=True)
                page.wait_for_selector("#law p:not(.hint)", timeout=240_000)  # the fit of the first visit is over
            print("interaction: " + ", ".join(f"{name} {value:.0f}" for name, value in interaction(page).items()))
            browser.close()


if __name__ == "__main__":
    main()
