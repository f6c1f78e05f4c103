"""Processes that are killed, and processes side by side: the history is that of one uninterrupted run."""

import json
import random
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from lightning_scaling.store import load

LOSS = "scaling/val_loss"
STEPS = 120

# Trains to the last step with a checkpoint every tenth; its state is what a callback would keep.
TRAINING = textwrap.dedent("""
    import json, os, sys, time
    from pathlib import Path
    from lightning_scaling.store import open_recorder
    uri, key, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
    checkpoint = Path(key + ".checkpoint")
    state = json.loads(checkpoint.read_text()) if checkpoint.exists() else {"step": 0, "pending": []}
    recorder = open_recorder(uri, key, experiment="killed", run_name=key, spool_dir="spool", replay=state["pending"])
    for step in range(state["step"] + 1, steps + 1):
        recorder.metrics({"scaling/val_loss": 5.0 - step / 100}, step)
        recorder.tags({"scaling.verdict": str(step)})
        print(step, flush=True)
        if step % 10 == 0:
            Path(key + ".new").write_text(json.dumps({"step": step, "pending": recorder.pending()}))
            os.replace(key + ".new", checkpoint)
        time.sleep(0.02)
    print(recorder.close(timeout=60))
""")


# Forks a recording process 30 times from one warm one and kills it; answers with what each had recorded and what its journal holds.
KILLED = textwrap.dedent("""
    import json, os, random, signal, sys, time
    from pathlib import Path
    import mlflow  # imported before, so that its import does not count
    from lightning_scaling.store import open_recorder
    from lightning_scaling.store.journal.opening import continue_journal
    uri, moments, found = sys.argv[1], random.Random(0), []
    for number in range(30):
        folder, (reading, writing) = Path(f"spool-{number}"), os.pipe()
        child = os.fork()
        if child == 0:
            recorder = open_recorder(uri, "k", spool_dir=folder)
            for step in range(100_000):
                recorder.metrics({"m": 1.0 * step}, step)
                os.write(writing, b"%d\\n" % step)
                time.sleep(0.001)
        os.close(writing)
        recorded = os.read(reading, 64)
        time.sleep(moments.uniform(0.0, 0.3))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while more := os.read(reading, 1 << 16):
            recorded += more
        os.close(reading)
        journal = continue_journal(next(folder.glob("*.jsonl")))
        held = [event["step"] for event in journal.peek(10**6).events if event["kind"] == "metrics"]
        found.append([recorded.count(b"\\n"), held])
    print(json.dumps(found))
""")


def training(uri: str, key: str, steps: int = STEPS) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", TRAINING, uri, key, str(steps)], stdout=subprocess.PIPE, text=True)


def history(client: Any, key: str) -> list[tuple[int, float]]:
    run = client.search_runs([client.get_experiment_by_name("killed").experiment_id], f"tags.`scaling.key` = '{key}'")
    assert len(run) == 1
    assert run[0].data.tags["scaling.verdict"] == str(STEPS)
    return sorted((m.step, m.value) for m in client.get_metric_history(run[0].info.run_id, LOSS))


def test_killed_at_random_moments_and_resumed_the_history_is_that_of_a_straight_run(uri: str, client: Any) -> None:
    moments = random.Random(0)
    for earliest in (1, 41, 81):
        process, last = training(uri, "k"), str(earliest + moments.randrange(39))
        assert process.stdout is not None
        assert any(line.strip() == last for line in process.stdout)
        time.sleep(moments.uniform(0.0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    output, _ = training(uri, "k").communicate()
    assert "is in sqlite" in output
    assert history(client, "k") == [(step, 5.0 - step / 100) for step in range(1, STEPS + 1)]


def test_killed_while_the_server_accepts_and_never_answers_nothing_recorded_is_lost(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(200)  # the system accepts; nobody answers
        uri = f"http://127.0.0.1:{server.getsockname()[1]}"
        done = subprocess.run([sys.executable, "-c", KILLED, uri], capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) == 30
    assert max(recorded for recorded, _ in found) > 50
    for recorded, held in found:
        assert held == list(range(len(held)))
        assert recorded <= len(held) <= recorded + 1


@pytest.mark.slow
def test_two_processes_make_and_write_one_new_database(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path}/new.db"
    both = [training(uri, key) for key in ("one", "two")]
    assert ["is in sqlite" in process.communicate()[0] for process in both] == [True, True]
    for key in ("one", "two"):
        assert [step for step, _ in history(MlflowClient(uri), key)] == list(range(1, STEPS + 1))
    assert sorted(p.name for p in tmp_path.iterdir() if p.name.startswith("new")) == ["new.db"]
    assert len(load(uri, "killed").rejected) == 2  # they left no record
    json.loads((tmp_path / "one.checkpoint").read_text())
