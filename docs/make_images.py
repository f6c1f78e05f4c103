"""The pictures of README and docs from a demo that has been run: `python docs/make_images.py demo docs/images`.

It needs Chromium and Playwright. `demo` is the folder that `make demo` has written. Its store is copied, and in the copy the runs that
the demo makes ill on purpose are left out.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning_scaling.forecasting import forecast
from lightning_scaling.report.figures.outlook import outlook, places
from lightning_scaling.report.study import Study, load_study

SEEN = 0.5  # of its tokens, when the largest run is forecast
FLAGS = ["--no-sandbox", "--disable-gpu"]


def forecast_picture(study: Study, out: Path) -> str:
    """The largest run forecast at half from the smaller ones; the line under the picture."""
    largest = max(study.finished, key=lambda record: record.spent)
    siblings = [each.curve for each in study.finished if each.params < largest.params]
    seen = largest.curve.until(SEEN * largest.tokens)
    found = forecast(seen, places(seen, largest.tokens), siblings=siblings)
    outlook(seen, found).savefig(out / "forecast.png", dpi=150)
    ends = f"forecast {found.loss[-1]:.3f} ({found.low[-1]:.3f} to {found.high[-1]:.3f})"
    return f"{largest.params} parameters at {SEEN:.0%} of {largest.tokens:.4g} tokens: {ends}, ended at {largest.loss:.3f}"


@contextmanager
def serving(store: Path) -> Iterator[str]:
    """The address of the page over a store."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    given = ["--backend-store-uri", f"sqlite:///{store}", "--port", port, "--workers", "1"]
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", "lightning-scaling", *given]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    process = subprocess.Popen(
        command, cwd=store.parent, env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield _answering(f"http://127.0.0.1:{port}")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answering(address: str) -> str:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/health", timeout=2).close()
            return address
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"no answer from {address}")


def healthy(store: Path, study: Study) -> Study:
    """The runs of the largest run's family; the others are deleted from the store."""
    from mlflow import MlflowClient

    client, family = MlflowClient(f"sqlite:///{store}"), max(study.finished, key=lambda record: record.spent).family
    for each in study:
        if each.family != family:
            client.delete_run(each.run_id)
    return study.select(family=family)


def page_pictures(study: Study, address: str, out: Path) -> None:
    """The page in light with the largest run chosen, in dark with all runs over tokens."""
    from playwright.sync_api import sync_playwright

    largest = max(study.finished, key=lambda record: record.spent)
    with sync_playwright() as playwright:
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        _picture(browser, f"{address}/scaling?run={largest.run_id}", "light", (1366, 768), out / "server-light.png")
        _picture(browser, f"{address}/scaling?x=tokens", "dark", (1920, 1080), out / "server-dark.png")


def _picture(browser: Any, address: str, scheme: str, size: tuple[int, int], file: Path) -> None:
    page = browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    page.goto(address)
    page.wait_for_selector("#law table", timeout=120_000)
    if "run=" in address:
        page.wait_for_selector("#side .pairs", timeout=60_000)
    page.wait_for_timeout(500)
    page.screenshot(path=file)
    page.close()


def main() -> None:
    """Make every picture."""
    demo, out = (Path(each).resolve() for each in sys.argv[1:3])
    study = load_study(f"sqlite:///{demo / 'mlflow.db'}", ["demo"])
    shutil.copy(demo / "loss-against-compute.png", out / "demo.png")
    print(forecast_picture(study, out))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(demo / "mlflow.db", folder)
        study = healthy(Path(folder) / "mlflow.db", study)
        with serving(Path(folder) / "mlflow.db") as address:
            page_pictures(study, address, out)


if __name__ == "__main__":
    main()
