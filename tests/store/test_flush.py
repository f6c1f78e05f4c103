"""`lightning-scaling flush`: what an outage left on disk reaches the store, in order, once."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lightning_scaling.cli import main
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store import deliver, load, open_recorder
from lightning_scaling.store.journal.opening import continue_journal

LOSS = "scaling/val_loss"


@pytest.fixture
def left(uri: str, record: Callable[..., RunRecord], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Leaves a run's events in ./spool, as if the store had been away."""
    from lightning_scaling.store.mlflow.sink import MlflowSink

    def away(*_: Any) -> None:
        raise OSError("away")

    def left(key: str = "k", steps: range = range(1, 31)) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(MlflowSink, "send", away)
            recorder = open_recorder(uri, key, experiment="sizes", run_name=key, params={"N": 5}, spool_dir="spool")
            for step in steps:
                recorder.metrics({LOSS: 1.0 * step}, step)
            recorder.record(record(key))
            assert not recorder.close().delivered

    return left


def the_journal() -> Path:
    """The only one in ./spool."""
    (path,) = Path("spool").glob("*.jsonl")
    return path


def flush(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["flush", *arguments])
    return done.exit_code, done.output


def test_everything_is_delivered_and_the_folder_is_empty(left: Any, uri: str, client: Any) -> None:
    left()
    code, output = flush("spool")
    run = load(uri).records[0]
    assert code == 0
    assert "entries delivered" in output
    assert [m.step for m in client.get_metric_history(run.run_id, LOSS)] == list(range(1, 31))
    assert (client.get_run(run.run_id).info.status, run.key) == ("FINISHED", "k")
    assert list(Path("spool").iterdir()) == []


def test_a_delivery_broken_off_at_any_point_goes_on_without_doubles(
    left: Any, uri: str, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lightning_scaling.store import delivery
    from lightning_scaling.store.mlflow.sink import MlflowSink

    left()
    monkeypatch.setattr(delivery, "MOST_AT_ONCE", 7)
    send, calls = MlflowSink.send, iter(range(100))

    def dies_after_delivering(self: MlflowSink, events: list[dict]) -> None:
        send(self, events)
        if next(calls) % 2 == 0:
            raise KeyError("killed before the mark")

    monkeypatch.setattr(MlflowSink, "send", dies_after_delivering)
    for _ in range(20):
        deliver("spool")
    run = load(uri).records[0]
    assert [m.step for m in client.get_metric_history(run.run_id, LOSS)] == list(range(1, 31))
    assert list(Path("spool").iterdir()) == []


def test_a_run_that_went_on_elsewhere_keeps_its_newer_words(left: Any, uri: str, client: Any) -> None:
    left()
    newer = open_recorder(uri, "k", experiment="sizes", run_name="k", spool_dir="elsewhere", tags={"scaling.verdict": "STOP"})
    newer.metrics({LOSS: 40.0}, 40)
    newer.close("FAILED", timeout=60)
    flush("spool")
    run = client.get_run(newer.run_id)
    assert (run.info.status, run.data.tags["scaling.verdict"], "scaling.record" in run.data.tags) == ("FAILED", "STOP", False)
    assert sorted(m.step for m in client.get_metric_history(newer.run_id, LOSS)) == [*range(1, 31), 40]


def test_a_run_still_being_written_is_left_to_its_process(left: Any) -> None:
    left()
    held = continue_journal(the_journal())
    assert flush("spool") == (0, "nothing waits to be delivered\n")
    held.close()


def test_json_and_exit_code_say_what_still_waits(left: Any, uri: str) -> None:
    left()
    Path(uri.removeprefix("sqlite:///")).write_text("no database")
    code, output = flush("spool", "--json")
    done = json.loads(output)["deliveries"][0]
    assert code == 2
    assert (done["key"], done["delivered"], done["spool"]) == ("k", False, str(the_journal().absolute()))
    assert done["waiting"] > 30


def test_a_file_of_another_program_is_named_and_left(left: Any, uri: str) -> None:
    left()
    Path("spool/notes.jsonl").write_text("hello\n")
    code, output = flush("spool")
    assert code == 2
    assert "no journal of lightning-scaling" in output
    assert len(load(uri)) == 1
    assert Path("spool/notes.jsonl").read_text() == "hello\n"


def test_an_empty_file_is_left_as_it_is() -> None:
    Path("spool").mkdir()
    Path("spool/k.jsonl").touch()
    assert flush("spool") == (0, "nothing waits to be delivered\n")
    assert [path.name for path in Path("spool").iterdir()] == ["k.jsonl"]


def test_a_missing_folder_is_one_line() -> None:
    done = CliRunner().invoke(main, ["flush", "nowhere"])
    assert done.exit_code == 2
    assert "no folder nowhere" in done.output


@pytest.fixture
def others(tmp_path: Path) -> dict[Path, bytes]:
    """./spool with files of other programs, a link, a folder and a pipe."""
    folder = tmp_path / "spool"
    folder.mkdir(exist_ok=True)
    target = tmp_path / "victim.txt"
    kept = {folder / "train.jsonl": b'{"text":"one"}\n{"text":"no newline"}', folder / "single.jsonl": b'{"a":1}', target: b"IMPORTANT"}
    for path, content in kept.items():
        path.write_bytes(content)
    (folder / "link.jsonl").symlink_to(target)
    (folder / "dangling.jsonl").symlink_to("/nonexistent/x")
    (folder / "folder.jsonl").mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    return kept


def test_nothing_but_our_own_journals_is_touched_and_they_are_delivered(left: Any, uri: str, others: dict[Path, bytes]) -> None:
    left()
    code, output = flush("spool")
    assert (code, len(load(uri))) == (2, 1)
    assert {path: path.read_bytes() for path in others} == others
    assert [output.count(words) for words in ("is a link", "is no plain file", "is no journal")] == [2, 2, 2]


def test_a_folder_in_which_others_may_have_planted_files_is_refused(left: Any, uri: str) -> None:
    left()
    Path("spool").chmod(0o777)
    code, _ = flush("spool")
    assert code == 2
    assert not Path(uri.removeprefix("sqlite:///")).read_bytes().count(b"scaling.key")
    Path("spool").chmod(0o700)
    assert flush("spool")[0] == 0


def test_a_journal_that_others_may_write_is_refused(left: Any) -> None:
    left()
    the_journal().chmod(0o666)
    assert "every user may write" in flush("spool")[1]


def test_a_damaged_line_costs_that_line_and_is_reported_once(left: Any, uri: str, client: Any) -> None:
    left()
    lines = the_journal().read_bytes().split(b"\n")
    (at,) = [i for i, line in enumerate(lines) if b'"step":7,' in line]
    lines[at] = lines[at][:20]
    the_journal().write_bytes(b"\n".join(lines))
    code, output = flush("spool")
    run = load(uri).records[0]
    assert (code, output.count("damaged")) == (2, 1)
    assert [m.step for m in client.get_metric_history(run.run_id, LOSS)] == [*range(1, 7), *range(8, 31)]
    assert flush("spool") == (0, "nothing waits to be delivered\n")
    assert [path.suffix for path in Path("spool").iterdir()] == [".damaged"]


def test_a_spool_of_the_version_before_is_delivered(uri: str, client: Any) -> None:
    Path("spool").mkdir()
    header = {"spool": 1, "began": 1, "key": "old", "run_id": None, "began_ms": 1, "uri": uri, "experiment": "sizes", "run_name": "old"}
    events = [{"kind": "metrics", "t": 10 + i, "step": i, "values": {LOSS: 1.0 * i}} for i in range(6)]
    Path("spool/old.jsonl").write_text("".join(json.dumps(each) + "\n" for each in (header, *events)))
    (delivery,) = deliver("spool")
    assert (delivery.sent, delivery.delivered) == (6, True)
