"""The journal on disk: whatever happens to it, what was recorded is delivered in order, and nothing but journals is touched."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from lightning_scaling.store.journal.event import Damaged, Event, from_line, to_line
from lightning_scaling.store.journal.journal import Journal
from lightning_scaling.store.journal.lock import Held
from lightning_scaling.store.journal.opening import continue_journal, journal_name, open_journal

HEADER = {"key": "k", "uri": "http://x", "experiment": "e", "run_name": None, "run_id": None, "began_ms": 1}


def point(step: int) -> Event:
    return {"kind": "metrics", "t": step, "step": step, "values": {"loss": 1.0}}


def steps(events: list[Event]) -> list[int]:
    return [event["step"] for event in events]


def deliver_all(journal: Journal, into: list[int], most: int = 3) -> None:
    while journal.waiting:
        portion = journal.peek(most)
        into += steps(portion.events)
        journal.confirm(portion)


class AnythingHappens(RuleBasedStateMachine):
    """A run's journal beside files of other programs; `delivered` is what a store was given, `recorded` what `append` has taken."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.others = {"train.jsonl": b'{"text":"one"}\n{"text":"no newline"}', "empty.jsonl": b"", "notes.txt": b"x"}
        for name, content in self.others.items():
            (self.folder / name).write_bytes(content)
        self.outside = self.folder.with_name(self.folder.name + "-outside")
        self.outside.write_bytes(b"no newline")
        (self.folder / "link.jsonl").symlink_to(self.outside)
        self.recorded: list[int] = []
        self.damaged: set[int] = set()
        self.delivered: list[int] = []
        self.step = 0
        self.journal: Journal | None = open_journal(self.folder, HEADER)
        self.path = self.journal.path

    @property
    def open(self) -> Journal:
        if self.journal is None:
            self.journal = open_journal(self.folder, HEADER)
        return self.journal

    @rule(count=st.integers(1, 5))
    def append(self, count: int) -> None:
        new = list(range(self.step, self.step + count))
        self.open.append([point(step) for step in new])
        self.step += count
        self.recorded += new

    @rule(most=st.integers(1, 4))
    def deliver_some(self, most: int) -> None:
        portion = self.open.peek(most)
        self.delivered += steps(portion.events)
        self.open.confirm(portion)

    @rule(most=st.integers(1, 4))
    def killed_between_delivery_and_note(self, most: int) -> None:
        self.delivered += steps(self.open.peek(most).events)
        self.crash(0)

    @rule(torn=st.integers(0, 60))
    def crash(self, torn: int) -> None:
        """kill -9 in the middle of writing a line: any number of its bytes is there."""
        journal = self.open
        journal.abandon()
        from lightning_scaling.store.journal import lock

        lock.release(journal.path)
        with open(journal.path, "ab") as file:
            file.write(to_line(point(10**6))[:torn])
        self.journal = None

    @rule()
    def restart(self) -> None:
        self.open.close()
        self.journal = None

    @rule()
    def flush_by_another(self) -> None:
        """Refused while the run is being written; else all of it is delivered."""
        if self.journal is not None:
            with pytest.raises(Held):
                continue_journal(self.path)
        elif self.path.exists():
            other = continue_journal(self.path)
            deliver_all(other, self.delivered)
            other.close()

    @rule(count=st.integers(1, 3))
    def disk_full(self, count: int) -> None:
        """Nothing of the events is kept, and the caller knows."""
        journal = self.open
        usual, journal._file = journal._file, os.open("/dev/full", os.O_RDWR | os.O_APPEND)
        with pytest.raises(OSError, match="No space left"):
            journal.append([point(10**6)] * count)
        os.close(journal._file)
        journal._file = usual

    @precondition(lambda self: self.journal is None and self.path.exists())
    @rule(data=st.data())
    def damage(self, data: Any) -> None:
        """One byte behind the header becomes another, wherever it is."""
        content = bytearray(self.path.read_bytes())
        start = content.index(b"\n") + 1
        if len(content) <= start:
            return
        at = data.draw(st.integers(start, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255).filter(lambda byte: byte != content[at]))
        before = self._readable()
        self.path.write_bytes(content)
        self.damaged |= before - self._readable()

    def _readable(self) -> set[int]:
        """Steps that a reader of the format finds, line by line."""
        found = set()
        for line in self.path.read_bytes().split(b"\n")[1:]:
            try:
                found.add(from_line(line).get("step", -1))
            except Damaged:
                continue
        return found

    @invariant()
    def other_files_are_untouched(self) -> None:
        assert {name: (self.folder / name).read_bytes() for name in self.others} == self.others
        assert self.outside.read_bytes() == b"no newline"

    def teardown(self) -> None:
        deliver_all(self.open, self.delivered)
        lost = set(self.recorded) - set(self.delivered)
        once = list(dict.fromkeys(self.delivered))  # a store takes the same event twice as once
        self.open.close()
        shutil.rmtree(self.folder)
        self.outside.unlink()
        assert lost <= self.damaged  # nothing but a damaged line is lost
        assert once == sorted(once)  # in order
        assert set(once) <= set(self.recorded)  # nothing invented


AnythingHappens.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None, derandomize=True)
TestAnythingHappens = AnythingHappens.TestCase


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Journal]]:
    """Opens journals of key k, and lets go of all of them in the end."""
    made: list[Journal] = []

    def opened(**header: Any) -> Journal:
        made.append(open_journal(tmp_path / "spool", {**HEADER, **header}))
        return made[-1]

    yield opened
    for journal in made:
        journal.close()


def test_a_delivered_file_begins_anew_before_it_grows_for_ever(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from lightning_scaling.store.journal import journal as module

    monkeypatch.setattr(module, "RESTART_BYTES", 500)
    journal = opened()
    for step in range(100):
        journal.append([point(step)])
        journal.confirm(journal.peek(1))
    assert journal.path.stat().st_size < 1500
    journal.append([point(100)])
    assert steps(journal.peek(9).events) == [100]


def test_the_run_that_a_logger_made_is_kept_with_the_journal(opened: Any) -> None:
    first = opened(attach=True)
    first.attach("abc")
    first.append([point(1)])
    first.abandon()
    from lightning_scaling.store.journal import lock

    lock.release(first.path)
    again = opened(run_id="abc")
    assert (again.path, again.header["run_id"], steps(again.peek(9).events)) == (first.path, "abc", [1])
    assert opened(run_id="another").path != first.path


@pytest.mark.parametrize("place", [{"uri": "http://y"}, {"experiment": "f"}, {"key": "l"}])
def test_every_store_experiment_and_run_has_a_journal_of_its_own(place: dict[str, str], opened: Any) -> None:
    assert opened().path != opened(**place).path


def test_one_writer_at_a_time_between_processes(opened: Any) -> None:
    journal = opened()
    journal.append([point(1)])
    where = "from pathlib import Path; from lightning_scaling.store.journal.opening import continue_journal"
    code = f"import sys; {where}; continue_journal(Path(sys.argv[1]))"
    tried = subprocess.run([sys.executable, "-c", code, str(journal.path)], capture_output=True, text=True)
    assert "Held" in tried.stderr
    assert opened().path.name == journal_name(HEADER, 2)


def test_a_journal_and_its_damaged_lines_are_for_their_owner_alone(opened: Any) -> None:
    journal = opened()
    journal.append([point(1)])
    journal.close()
    with open(journal.path, "ab") as file:
        file.write(b"\xff\xfegarbage\n")
    journal = opened()
    deliver_all(journal, [])
    assert [path.stat().st_mode & 0o777 for path in (journal.path, journal.set_aside, journal.path.parent)] == [0o600, 0o600, 0o700]
    assert journal.set_aside.read_bytes() == b"\xff\xfegarbage\n"


@pytest.mark.parametrize("key", ["a/b", "../../etc/passwd", "x" * 400, "ключ", "a b", "\r\n"])
def test_any_key_makes_a_file_name(key: str) -> None:
    name = journal_name({**HEADER, "key": key})
    assert "/" not in name
    assert len(name) < 130
    assert name != journal_name({**HEADER, "key": key + "'"})


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "future", "t": 1},
        {"kind": "metrics", "t": 1, "step": 1e30, "values": {"m": 1.0}},
        {"kind": "metrics", "t": 1, "step": 1, "values": {"m": "x"}},
        {"kind": "metrics", "t": 1, "step": 1, "values": {"m": float("nan")}},
        {"kind": "metrics", "t": True, "step": 1, "values": {"m": 1.0}},
        {"kind": "status", "t": 1, "status": "NONSENSE"},
        {"kind": "artifact", "t": 1, "name": "../evil", "base64": "YQ=="},
        {"kind": "artifact", "t": 1, "name": "/evil", "base64": "YQ=="},
        {"kind": "artifact", "t": 1, "name": "fine", "base64": "!!!a"},
        {"kind": "artifact", "t": 1, "name": 5, "base64": "YQ=="},
        {"kind": "artifact", "t": 1, "name": "n" * 300, "base64": "YQ=="},
        {"kind": "metrics", "t": 1, "step": 1, "values": {"half a character \ud800": 1.0}},
        {"kind": "tags", "t": 1, "values": {"a": "\ud800"}},
        {"kind": "record", "t": 1, "packed": "garbage"},
        {"kind": "record", "t": 1, "packed": "1 00000000 YQ=="},
        {"kind": "record", "t": 1, "packed": "9 e8b7be43 YQ=="},
        {"t": 1},
    ],
)
def test_a_line_that_no_recorder_writes_is_refused(event: Event) -> None:
    with pytest.raises(Damaged):
        from_line(to_line(event))


def test_a_line_that_holds_no_object_is_refused() -> None:
    for line in (b"", b"[1,2]", b"[" * 100_000, json.dumps(point(1)).encode()[:-3]):
        with pytest.raises(Damaged):
            from_line(line, checksum=False)
