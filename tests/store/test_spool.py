"""The diary on disk: order, marks, and what a killed process leaves of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lightning_scaling.store import spool as module
from lightning_scaling.store.holding import Held
from lightning_scaling.store.spool import Spool, spool_path

Open = Callable[..., Spool]
HEADER = {"key": "k", "uri": "http://x", "experiment": "e", "run_name": None, "run_id": None}


def events(*steps: int) -> list[dict]:
    return [{"kind": "metrics", "t": step, "step": step, "values": {"loss": 1.0}} for step in steps]


def taken(spool: Spool, most: int = 1000) -> list[int]:
    return [event["step"] for event in spool.peek(most)[0]]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    """Opens spools of key k, and lets go of all of them in the end."""
    made: list[Spool] = []

    def opened(header: dict | None = HEADER) -> Spool:
        made.append(Spool(tmp_path / "k.jsonl", header))
        return made[-1]

    yield opened
    for spool in made:
        spool.close()


def test_events_come_back_in_order_and_only_what_is_not_confirmed(opened: Open, tmp_path: Path) -> None:
    spool = opened()
    spool.append(events(1, 2, 3))
    spool.append(events(4))
    first, mark = spool.peek(2)
    spool.confirm(mark, len(first))
    assert ([e["step"] for e in first], taken(spool), spool.waiting) == ([1, 2], [3, 4], 2)


def test_another_process_finds_what_was_left(opened: Open, tmp_path: Path) -> None:
    spool = opened()
    spool.append(events(1, 2, 3))
    spool.confirm(spool.peek(1)[1], 1)
    spool.close()
    again = opened(None)
    assert (again.header["uri"], taken(again), again.waiting) == ("http://x", [2, 3], 2)


def test_a_line_torn_by_a_kill_is_cut_and_the_rest_stays(opened: Open, tmp_path: Path) -> None:
    spool = opened()
    spool.append(events(1, 2))
    spool.close()
    with open(tmp_path / "k.jsonl", "ab") as file:
        file.write(b'{"kind":"metr')
    again = opened()
    again.append(events(3))
    assert taken(again) == [1, 2, 3]


@pytest.mark.parametrize("mark", ["", "{", '{"began": 1, "delivered": 5}', '{"began": null}'])
def test_a_damaged_mark_means_delivering_again(opened: Open, mark: str, tmp_path: Path) -> None:
    spool = opened()
    spool.append(events(1, 2))
    spool.close()
    (tmp_path / "k.mark").write_text(mark)
    assert taken(opened(None)) == [1, 2]


def test_a_delivered_file_begins_anew_before_it_grows_for_ever(opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTART_BYTES", 500)
    spool = opened()
    for step in range(100):
        spool.append(events(step))
        spool.confirm(spool.peek(1)[1], 1)
    assert (tmp_path / "k.jsonl").stat().st_size < 1500
    spool.append(events(100))
    assert taken(spool) == [100]
    spool._hold.release()
    assert taken(opened()) == [100]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full to stand for a full disk")
def test_a_full_disk_raises_and_leaves_whole_lines(opened: Open, tmp_path: Path) -> None:
    spool = opened()
    spool.append(events(1))
    usual, spool._file = spool._file, open("/dev/full", "ab", buffering=0)  # noqa: SIM115
    with pytest.raises(OSError, match="No space left"):
        spool.append(events(2))
    spool._file.close()
    spool._file = usual
    spool.append(events(3))
    assert taken(spool) == [1, 3]


def test_one_writer_at_a_time_within_a_process(opened: Open, tmp_path: Path) -> None:
    spool = opened()
    with pytest.raises(Held):
        opened()
    spool.close()
    opened().close()


def test_one_writer_at_a_time_between_processes(opened: Open, tmp_path: Path) -> None:
    spool = opened()
    other = "import sys; from pathlib import Path; from lightning_scaling.store.spool import Spool; Spool(Path(sys.argv[1]))"
    tried = subprocess.run([sys.executable, "-c", other, str(spool.path)], capture_output=True, text=True)
    assert "Held" in tried.stderr


@pytest.mark.parametrize("text", ["hello\n", "{}\n", '{"spool": 99}\n', "[1]\n", ""])
def test_another_file_is_refused_in_words(opened: Open, text: str, tmp_path: Path) -> None:
    (tmp_path / "k.jsonl").write_text(text)
    with pytest.raises(ValueError, match=r"no spool|newer|empty"):
        opened(None)


def test_a_spool_is_for_its_owner_alone(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTART_BYTES", 0)
    spool = opened()
    assert spool.path.stat().st_mode & 0o077 == 0
    spool.append(events(1))
    spool.confirm(spool.peek(1)[1], 1)
    assert spool.path.stat().st_mode & 0o077 == 0
    assert json.loads(spool.path.read_text())["uri"] == "http://x"


@pytest.mark.parametrize("key", ["a/b", "../../etc/passwd", "x" * 400, "ключ", "a b"])
def test_any_key_makes_a_file_name(key: str, tmp_path: Path) -> None:
    path = spool_path(tmp_path, key)
    assert path.parent == tmp_path
    assert len(path.name) < 120
    assert path != spool_path(tmp_path, key + "'")
