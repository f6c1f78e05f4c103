"""The cache of runs between requests: read whole now and then, in between only what may have changed."""

import pytest

from lightning_scaling.server.run_cache import FRESH_SECONDS, WHOLE_SECONDS, RunCache


class Clock:
    def __init__(self):
        import time

        self.now = time.time()

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def reads(monkeypatch):
    """Filters of the readings that were really made."""
    from lightning_scaling.server import run_cache

    asked, real = [], run_cache.load
    monkeypatch.setattr(
        run_cache, "load", lambda *given, **more: (asked.append(given[2] if len(given) > 2 else ""), real(*given, **more))[1]
    )
    return asked


def ids(cache):
    return {name: key for key, name in cache.experiments().items()}


def test_within_two_seconds_nothing_is_read_again(empty, write, make_run, clock, reads):
    write(empty, "sizes", make_run(1_000_000, 10))
    cache = RunCache(empty, clock)
    assert len(cache.study([ids(cache)["sizes"]])) == 1
    clock.now += FRESH_SECONDS / 2
    cache.study([ids(cache)["sizes"]])
    assert reads == [""]


def test_a_run_that_ended_since_is_found_without_reading_all(empty, write, make_run, clock, reads):
    write(empty, "sizes", make_run(1_000_000, 10))
    cache = RunCache(empty, clock)
    cache.study([ids(cache)["sizes"]])
    write(empty, "sizes", make_run(2_000_000, 10))
    clock.now += 2 * FRESH_SECONDS
    assert len(cache.study([ids(cache)["sizes"]])) == 2
    assert len(reads) == 3
    assert "" not in reads[1:]


def test_a_run_deleted_in_mlflow_goes_with_the_next_whole_reading(empty, write, make_run, clock):
    from mlflow import MlflowClient

    gone = write(empty, "sizes", make_run(1_000_000, 10))
    cache = RunCache(empty, clock)
    cache.study([ids(cache)["sizes"]])
    MlflowClient(empty).delete_run(gone)
    clock.now += WHOLE_SECONDS + 60
    assert len(cache.study([ids(cache)["sizes"]])) == 0


def test_an_unknown_experiment_is_named(empty):
    with pytest.raises(ValueError, match="no experiment with the id '77'"):
        RunCache(empty).study(["77"])
