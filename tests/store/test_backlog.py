"""What waits stays in order and within bounds, wherever it lies."""

from pathlib import Path

import pytest

from lightning_scaling.store.backlog import Backlog
from lightning_scaling.store.inbox import MOST_EVENTS, Inbox

HEADER = {"key": "k", "uri": "http://x", "experiment": "e", "run_name": None, "run_id": None}


def events(*steps: int) -> list[dict]:
    return [{"kind": "metrics", "t": step, "step": step, "values": {}} for step in steps]


def drained(backlog: Backlog) -> list[int]:
    seen = []
    while backlog.waiting:
        found, mark = backlog.peek(2)
        seen += [event["step"] for event in found]
        backlog.confirm(mark, len(found))
    return seen


@pytest.fixture
def backlog(tmp_path: Path) -> Backlog:
    backlog = Backlog(tmp_path / "spool", HEADER, most=5)
    yield backlog
    backlog.close()


def broken(*_: object) -> None:
    raise OSError("No space left on device")


def test_disk_then_memory_then_disk_again_keeps_the_order(backlog: Backlog, monkeypatch: pytest.MonkeyPatch) -> None:
    backlog.append(events(1, 2))
    with monkeypatch.context() as full:
        full.setattr(backlog.disk, "append", broken)
        backlog.append(events(3))
        backlog.append(events(4))
    backlog.append(events(5))
    assert drained(backlog) == [1, 2, 3, 4, 5]
    backlog.append(events(6))
    assert (backlog.disk.waiting, backlog.trouble, backlog.lost) == (1, "No space left on device", 0)


def test_memory_is_bounded_and_its_loss_counted(backlog: Backlog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog.disk, "append", broken)
    for step in range(20):
        backlog.append(events(step))
    assert (backlog.waiting, backlog.lost) == (5, 15)
    backlog.settle()
    assert (backlog.waiting, backlog.lost) == (0, 20)


def test_settling_brings_memory_to_a_disk_that_has_room_again(backlog: Backlog, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as full:
        full.setattr(backlog.disk, "append", broken)
        backlog.append(events(1, 2))
    backlog.settle()
    assert (drained(backlog), backlog.lost) == ([1, 2], 0)


def test_a_spool_waiting_for_another_store_is_left_as_it_is(tmp_path: Path) -> None:
    first = Backlog(tmp_path, HEADER)
    first.append(events(1))
    first.close()
    second = Backlog(tmp_path, {**HEADER, "uri": "http://y"})
    second.append(events(2))
    assert (second.disk.path.name, drained(second)) == ("k~2.jsonl", [2])
    second.close()
    again = Backlog(tmp_path, HEADER)
    assert drained(again) == [1]
    again.close()


def test_the_inbox_is_bounded_by_number_and_by_size() -> None:
    many, large = Inbox(), Inbox()
    for step in range(MOST_EVENTS + 7):
        many.put({"step": step})
    for _ in range(20):
        large.put({"base64": "x" * (16 << 20)})
    assert (len(many), many.lost) == (MOST_EVENTS, 7)
    assert (len(large), large.lost) == (16, 4)


def test_the_inbox_keeps_what_could_not_be_moved() -> None:
    inbox = Inbox()
    inbox.put({"step": 1})
    with pytest.raises(OSError, match="No space"):
        inbox.move(broken)
    assert inbox.waiting() == [{"step": 1}]
    moved: list[dict] = []
    inbox.move(moved.extend)
    assert (moved, inbox.waiting()) == ([{"step": 1}], [])
