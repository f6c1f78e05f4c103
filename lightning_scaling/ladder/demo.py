"""The main job end to end: the bundled design trained as any other, its runs gathered, their law fitted, the report written."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning_scaling.ladder.bundled import FOLDER
from lightning_scaling.ladder.demo_words import introduce, print_findings, print_where
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.design_file import read_design
from lightning_scaling.ladder.findings import Findings, as_json, findings
from lightning_scaling.ladder.pool import Pool
from lightning_scaling.ladder.progress_bars import progress_bars
from lightning_scaling.ladder.run_ladder import run_ladder
from lightning_scaling.run.record import RunRecord

QUICK_WARNING = "A quick run, to see that all parts work: its numbers mean little."
EXPERIMENT = "demo"


def demo_design(corpus: str | Path | None, folder: str | Path, seed: int, quick: bool) -> Design:
    """The bundled design, on this text, in this folder.

    Raises:
        ValueError: the corpus cannot be used.
    """
    where = Path(folder).resolve()
    changes: dict[str, Any] = {"store": f"sqlite:///{where / 'mlflow.db'}", "folder": str(where), "seeds": seed, "experiment": EXPERIMENT}
    path = FOLDER / ("quick.yaml" if quick else "demo.yaml")
    if corpus is not None:
        from lightning_scaling.ladder.corpus import load_corpus

        load_corpus(corpus)  # one line, where it cannot be used
        given = dict(read_design(path).arguments)
        changes["arguments"] = {**given, "corpus": str(Path(corpus).resolve())}
    return read_design(path, changes)


def run_demo(corpus: str | Path | None, folder: str | Path, seed: int, quick: bool, console: Any) -> dict[str, Any]:
    """Everything, printed on `console`; the findings as a plain document.

    Raises:
        ValueError: the corpus cannot be used. OSError: the folder cannot be written.
        ChildProcessError: a cell failed, and again when it was tried once more.
        Interrupted: Ctrl-C; a second call resumes.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    design = demo_design(corpus, folder, seed, quick)
    introduce(design, console)
    with progress_bars(design, console) as show:
        records = run_ladder(design, Pool(design.cores), show)
    found = findings(_all_of(design, records), design.cells[0].family, seed)
    page = _report(Path(folder), found)
    document = as_json(found) | {"report": str(page), "seed": seed}
    document["study_run"] = _log_once(design, Path(folder), found, document)
    print_findings(found, console)
    print_where(Path(folder), page, EXPERIMENT, console)
    if quick:
        console.print(f"[yellow]{QUICK_WARNING}")
    return document


def _all_of(design: Design, records: Mapping[str, RunRecord]) -> list[RunRecord]:
    """The records in the order of the design."""
    from lightning_scaling.ladder.recorded import recorded

    for cell in design.cells:
        if cell.id not in records:
            there = recorded(design).get(cell.id)
            why = there.extra.get("error", "see `lightning-scaling ladder status`") if there else "it was not begun"
            raise ChildProcessError(f"{cell.name} is not trained: {why}; the same command tries it again")
    return [records[cell.id] for cell in design.cells]


def _report(folder: Path, found: Findings) -> Path:
    from lightning_scaling.laws import preset
    from lightning_scaling.report.page import write_report

    presets = [preset("hoffmann2022"), preset("besiroglu2024")] if found.identified else []
    title = "Scaling law of tiny GPTs on real text"
    return write_report(folder, (*found.members, *found.beside), found.fit, title, presets=presets)


def _log_once(design: Design, folder: Path, found: Findings, document: dict[str, Any]) -> str:
    """The study's run in MLflow. Findings that are already logged are not logged again by a second call."""
    from lightning_scaling.report.publish import log_study
    from lightning_scaling.report.study import Study

    kept = folder / "findings.json"
    if kept.exists() and (before := json.loads(kept.read_text())).pop("study_run", None) and before == json.loads(json.dumps(document)):
        return str(json.loads(kept.read_text())["study_run"])
    law, largest = found.frontier, found.largest
    numbers = {
        "law/exponent": law.exponent,
        "law/r_squared": law.r_squared,
        "largest/predicted": largest.loss,
        "largest/observed": largest.observed,
    }
    files = {"report.html": folder / "report.html", **{p.name: p for p in sorted(folder.glob("*.png"))}}
    about: dict[str, Any] = dict(metrics=numbers, tags={"scaling.family": design.cells[0].family})
    run = log_study(
        Study(found.members), found.surface if found.identified else None, files, uri=design.store, experiment=EXPERIMENT, **about
    )
    kept.write_text(json.dumps(document | {"study_run": run}, indent=1))
    return run
