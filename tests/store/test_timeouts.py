"""Our short timeouts of MLflow stay in our threads, and our imports cost nothing."""

import logging
import subprocess
import sys
import threading

from lightning_scaling.store.mlflow.timeouts import short_timeouts


def test_mlflow_keeps_its_timeouts_in_other_threads() -> None:
    from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_MAX_RETRIES as RETRIES

    usual, seen = RETRIES.get(), []
    with short_timeouts():
        other = threading.Thread(target=lambda: seen.append(RETRIES.get()))
        other.start()
        other.join()
        assert RETRIES.get() == 0
    assert seen == [usual] == [RETRIES.get()]
    assert usual > 0


def test_it_nests() -> None:
    from mlflow.environment_variables import MLFLOW_HTTP_REQUEST_TIMEOUT as SECONDS

    with short_timeouts(7):
        with short_timeouts(3):
            assert SECONDS.get() == 3
        assert SECONDS.get() == 7


def test_the_lines_of_table_making_are_heard_outside_only(caplog) -> None:
    logger = logging.getLogger("alembic.runtime.migration")
    caplog.set_level(logging.INFO, logger.name)
    with short_timeouts():
        logger.info("inside")
        logger.warning("trouble")
    logger.info("outside")
    assert caplog.messages == ["trouble", "outside"]


def test_importing_the_store_imports_neither_mlflow_nor_pandas() -> None:
    code = (
        "import sys, lightning_scaling.store as s; s.open_recorder, s.load, s.deliver, s.Runs, s.redacted;"
        "print(sorted({'mlflow', 'pandas', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
