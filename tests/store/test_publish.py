"""A law as a run of its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lightning_scaling.laws import load as load_law
from lightning_scaling.report import Study, load_study, log_study
from lightning_scaling.run.record import RunRecord
from lightning_scaling.store import StoreUnavailable, load

Make = Callable[..., RunRecord]


def test_the_run_of_a_study_links_its_members_and_holds_the_law(uri: str, write: Any, client: Any, record: Make, tmp_path: Path) -> None:
    for n in (300_000, 1_000_000, 3_000_000, 10_000_000):
        for ratio in (1, 3):
            write(uri, record(f"{n} [{ratio}](x)", params=n, points=10 * ratio))
    study = load_study(uri)
    law = study.fit(seed=0).surface
    (tmp_path / "report.html").write_text("<h1>law</h1>")
    files = {"report.html": tmp_path / "report.html", "figures/note.txt": "hello"}
    run = client.get_run(log_study(study, law, files, uri=uri, metrics={"r2": 0.99, "odd": float("nan")}))
    assert run.data.tags["scaling.kind"] == "study"
    assert run.data.metrics["law/alpha"] == pytest.approx(law.alpha)
    assert (run.data.metrics["runs"], run.data.metrics["r2"], "odd" in run.data.metrics) == (8, 0.99, False)
    note = run.data.tags["mlflow.note.content"]
    assert all(f"#/experiments/{run.info.experiment_id}/runs/{r.run_id})" in note for r in study)
    assert "](x)" not in note
    folder = Path(client.download_artifacts(run.info.run_id, "", str(tmp_path)))
    assert load_law(folder / "law.json").alpha == pytest.approx(law.alpha)
    assert {m["run_id"] for m in json.loads((folder / "members.json").read_text())} == {r.run_id for r in study}
    assert (folder / "report.html").read_text() == "<h1>law</h1>"


def test_an_empty_study_needs_a_place(uri: str) -> None:
    with pytest.raises(ValueError, match="name one"):
        log_study(Study(), uri=uri)
    log_study(Study(), uri=uri, experiment="new")
    assert len(load(uri, "new")) == 0


def test_a_dead_server_is_one_line(record: Make) -> None:
    with pytest.raises(StoreUnavailable, match="no answer"):
        log_study(Study((record(),)), uri="http://127.0.0.1:9", experiment="e")


def test_nothing_is_printed(server: Any, write: Any, record: Make, capfd: pytest.CaptureFixture[str]) -> None:
    write(server.uri, record("quiet"), "quiet")
    log_study(load_study(server.uri, "quiet"), uri=server.uri)
    assert capfd.readouterr() == ("", "")
