"""`lightning-scaling flush`: what an outage left on disk reaches the store, in order, once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lightning_scaling.cli import main
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store import Recorder, deliver, load
from lightning_scaling.store.spool import Spool

LOSS = "scaling/val_loss"


@pytest.fixture
def left(uri: str, record: Callable[..., RunRecord], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Leaves a run's events in ./spool, as if the store had been away."""
    from lightning_scaling.store.sink import Sink

    def away(*_: Any) -> None:
        raise OSError("away")

    def left(key: str = "k", steps: range = range(1, 31)) -> None:
        recorder = Recorder(uri, "sizes", key, "spool")
        with monkeypatch.context() as patch:
            patch.setattr(Sink, "send", away)
            recorder.open(key, params={"N": 5})
            for step in steps:
                recorder.metrics({LOSS: 1.0 * step}, step)
            recorder.record(record(key))
            assert not recorder.close().delivered

    return left


def flush(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["flush", *arguments])
    return done.exit_code, done.output


def test_everything_is_delivered_and_the_folder_is_empty(left: Any, uri: str, client: Any) -> None:
    left()
    code, said = flush("spool")
    run = load(uri).records[0]
    assert code == 0
    assert "entries delivered" in said
    assert [m.step for m in client.get_metric_history(run.run_id, LOSS)] == list(range(1, 31))
    assert (client.get_run(run.run_id).info.status, run.key) == ("FINISHED", "k")
    assert list(Path("spool").iterdir()) == []


def test_a_delivery_broken_off_at_any_point_goes_on_without_doubles(
    left: Any, uri: str, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lightning_scaling.store import delivery
    from lightning_scaling.store.sink import Sink

    left()
    monkeypatch.setattr(delivery, "_MOST_AT_ONCE", 7)
    send, calls = Sink.send, iter(range(100))

    def dies_after_delivering(self: Sink, events: list[dict]) -> None:
        send(self, events)
        if next(calls) % 2 == 0:
            raise KeyError("killed before the mark")

    monkeypatch.setattr(Sink, "send", dies_after_delivering)
    for _ in range(20):
        deliver("spool")
    run = load(uri).records[0]
    assert [m.step for m in client.get_metric_history(run.run_id, LOSS)] == list(range(1, 31))
    assert list(Path("spool").iterdir()) == []


def test_a_run_that_went_on_elsewhere_keeps_its_newer_words(left: Any, uri: str, client: Any) -> None:
    left()
    newer = Recorder(uri, "sizes", "k", "elsewhere")
    newer.open("k", tags={"scaling.verdict": "STOP"})
    newer.metrics({LOSS: 40.0}, 40)
    newer.close("FAILED", timeout=60)
    flush("spool")
    run = client.get_run(newer.run_id)
    assert (run.info.status, run.data.tags["scaling.verdict"], "scaling.record" in run.data.tags) == ("FAILED", "STOP", False)
    assert sorted(m.step for m in client.get_metric_history(newer.run_id, LOSS)) == [*range(1, 31), 40]


def test_a_run_still_being_written_is_left_to_its_process(left: Any) -> None:
    left()
    held = Spool(Path("spool/k.jsonl"))
    assert flush("spool") == (0, "nothing waits to be delivered\n")
    held.close()


def test_json_and_exit_code_say_what_still_waits(left: Any, uri: str) -> None:
    left()
    Path(uri.removeprefix("sqlite:///")).write_text("no database")
    code, said = flush("spool", "--json")
    told = json.loads(said)["deliveries"][0]
    assert code == 2
    assert (told["key"], told["delivered"], told["spool"]) == ("k", False, "spool/k.jsonl")
    assert told["waiting"] > 30


def test_a_foreign_file_in_the_folder_is_named_and_left(left: Any, uri: str) -> None:
    left()
    Path("spool/notes.jsonl").write_text("hello\n")
    code, said = flush("spool")
    assert code == 2
    assert "no spool of lightning-scaling" in said
    assert len(load(uri)) == 1
    assert Path("spool/notes.jsonl").read_text() == "hello\n"


def test_a_spool_killed_before_its_first_line_is_cleared_away() -> None:
    Path("spool").mkdir()
    Path("spool/k.jsonl").touch()
    assert flush("spool") == (0, "nothing waits to be delivered\n")
    assert list(Path("spool").iterdir()) == []


def test_a_missing_folder_is_one_line() -> None:
    done = CliRunner().invoke(main, ["flush", "nowhere"])
    assert done.exit_code == 2
    assert "no folder nowhere" in done.output
