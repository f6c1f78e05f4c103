"""What the tests of the monitor share. Lightning's own warnings are not ours to judge; those of this package stay errors."""

import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest

HERE = Path(__file__).parent
collect_ignore = ["spawned.py", "fabric_loop.py"]  # it imports its neighbour, as the spawned processes must


def _load():
    spec = importlib.util.spec_from_file_location("monitored_training", HERE / "training.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def _quiet():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.|pytorch_lightning\.|torch\.|lightning_utilities\.|mlflow\.|sqlalchemy\.")
        for lightning in ("lightning", "lightning_fabric"):
            warnings.filterwarnings("ignore", category=_possible(lightning))
        yield


@pytest.fixture(scope="session")
def quiet():
    """A context without Lightning's and MLflow's own warnings, for fixtures that train."""
    return _quiet


@pytest.fixture(autouse=True)
def _quiet_test(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [n for n in os.environ if n.startswith("LIGHTNING_SCALING") and n != "LIGHTNING_SCALING_SPOOL"]:
        monkeypatch.delenv(name)
    with _quiet():
        yield


@pytest.fixture(scope="session")
def new_store(tmp_path_factory):
    """Make an empty MLflow store in a folder; its URI. MLflow takes seconds to make one, so it is made once and copied."""
    empty = tmp_path_factory.mktemp("store") / "mlflow.db"
    with _quiet():
        from mlflow.tracking import MlflowClient

        MlflowClient(f"sqlite:///{empty}").search_experiments()

    def make(folder):
        shutil.copy(empty, folder / "mlflow.db")
        return f"sqlite:///{folder}/mlflow.db"

    return make


def _possible(package):
    names = f"{package}.fabric.utilities.warnings" if package == "lightning" else f"{package}.utilities.warnings"
    return importlib.import_module(names).PossibleUserWarning


@pytest.fixture
def judged_at_once(monkeypatch):
    """Every validation is judged, however short the training: what a judgement costs is measured elsewhere."""
    monkeypatch.setattr("lightning_scaling.monitor.budget.START", 1e9)
    monkeypatch.setattr("lightning_scaling.monitor.budget.MOST_AT_ONCE", 1e9)


@pytest.fixture(scope="session")
def training():
    """The module training.py: model_class, loader, trainer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _load()


@pytest.fixture(scope="session")
def server():
    """The forking server of training.py."""
    with subprocess.Popen(
        [sys.executable, str(HERE / "training.py"), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.stdin.close()


@pytest.fixture(scope="session")
def run_scripts(server):
    """Run training.py once for each list of arguments, folder first, as processes side by side: their exit codes."""

    def run(*scripts):
        print(json.dumps([[*map(str, arguments)] for arguments in scripts]), file=server.stdin, flush=True)
        return json.loads(server.stdout.readline())

    return run


@pytest.fixture(scope="session")
def run_script(run_scripts):
    """Run training.py in a folder as a process of its own: its exit code and, where it ended well, what it reported."""

    def run(folder, *arguments):
        reported = folder / "reported-0.json"
        reported.unlink(missing_ok=True)
        (code,) = run_scripts([folder, *arguments])
        return code, json.loads(reported.read_text()) if reported.exists() else None

    return run


@pytest.fixture
def quiet_transformers(judged_at_once):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"transformers\.|accelerate\.|torch\.")
        yield


@pytest.fixture
def scaling():
    from lightning_scaling.callbacks.transformers import ScalingLawCallback

    return lambda **options: ScalingLawCallback(**{"summary": False, **options})
