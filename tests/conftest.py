"""What lies outside the package: Chromium, PostgreSQL, a small file system (without one, its tests are skipped), an `mlflow server`."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side: more threads than cores wait for one another
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # the runners keep two cores busy for half a minute after each start

# No test leaves a journal in the folder of the user who runs it, fixtures of a whole module or session included.
os.environ["LIGHTNING_SCALING_SPOOL"] = str(Path(tempfile.mkdtemp(prefix="journals-")) / "spool")

# Without these Chromium asks for hosts outside at every start.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: left out of a plain run; -m slow runs these alone, -m 'slow or not slow' everything")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "slow" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if item not in slow]


@pytest.fixture(autouse=True)
def spool_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds a journal of another."""
    monkeypatch.setenv("LIGHTNING_SCALING_SPOOL", str(tmp_path_factory.mktemp("journals") / "spool"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A real headless Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=FLAGS)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[str], str] | None]:
    """postgres(name) makes a database in a PostgreSQL of the tests' own and returns its URI; None where the system has no PostgreSQL."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")) or [Path(p) for p in [shutil.which("pg_ctl")] if p]
    if not found:
        yield None
        return
    folder = Path(tempfile.mkdtemp())  # not pytest's folder: the user postgres may not enter that
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        as_user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        subprocess.run([*as_user, str(found[-1].with_name(program)), *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)

    def make(name: str) -> str:
        run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", name)
        return f"postgresql+psycopg2://postgres@127.0.0.1:{port}/{name}"

    run("initdb", "-D", f"{folder}/db", "-U", "postgres", "-A", "trust", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-D", f"{folder}/db", "-w", "-l", f"{folder}/log", "-o", options, "start")
    yield make
    with contextlib.suppress(subprocess.CalledProcessError):
        run("pg_ctl", "-D", f"{folder}/db", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB that is really there and really gets full."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted here ({done.stderr.strip() or 'mount failed'}); it takes root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow takes seconds to make one, so it is made once and copied."""
    from lightning_scaling.store.mlflow.client import connect
    from lightning_scaling.store.mlflow.timeouts import short_timeouts

    file = tmp_path_factory.mktemp("database") / "mlflow.db"
    with short_timeouts():
        connect(f"sqlite:///{file}")
    return file


class Server:
    """`mlflow server` on loopback: start, stop, pause, go on. Over `store`, or over the database of its folder."""

    def __init__(self, folder: Path, store: str | None = None, *options: str, port: int = 0) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = port or free.getsockname()[1]
        self.uri, self.folder = f"http://127.0.0.1:{self.port}", folder
        self.store, self.options = store or f"sqlite:///{folder}/mlflow.db", options
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        store = ["--backend-store-uri", self.store, "--artifacts-destination", str(self.folder / "files")]
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        command = [sys.executable, "-m", "mlflow", "server", *store, *where, *self.options]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)
        for _ in range(600):
            try:
                return urllib.request.urlopen(f"{self.uri}/health", timeout=2).close()
            except urllib.error.HTTPError:
                return None  # behind a prefix this address is not found, but the server answers
            except OSError:
                time.sleep(0.2)
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def signal(self, number: int) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)

    def stop(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGCONT)
                self.signal(signal.SIGKILL)
            self.process.wait(20)
            self.process = None


@pytest.fixture(scope="session")
def serving_at() -> Callable[..., contextlib.AbstractContextManager[str]]:
    """serving_at(store, folder, *options, port=…): a context with the address of a server that has the page."""

    @contextlib.contextmanager
    def serving(store: str, folder: Path, *options: str, port: int = 0) -> Iterator[str]:
        server = Server(folder, store, "--app-name", "lightning-scaling", *options, port=port)
        try:
            server.start()
            yield server.uri
        finally:
            server.stop()

    return serving


@pytest.fixture(scope="session")
def mlflow_server(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests, as a start takes seconds; who stops it starts it again."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(empty_database, folder / "mlflow.db")
    server = Server(folder)
    server.start()
    yield server
    server.stop()


def eventually(true: Callable[[], Any], seconds: float = 30.0) -> None:
    """Waits until `true()` holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


@pytest.fixture
def until() -> Callable[..., None]:
    return eventually
