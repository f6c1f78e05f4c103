"""The main job end to end: train the ladder, gather its runs, fit the law, predict the largest, write the report."""

import json
import os
import shlex
import shutil
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from lightning_scaling.ladder.cells import PRESETS
from lightning_scaling.ladder.corpus import load_corpus
from lightning_scaling.ladder.findings import Findings, as_json, findings
from lightning_scaling.ladder.progress import progress_bars
from lightning_scaling.ladder.running import run_ladder
from lightning_scaling.ladder.training import EXPERIMENT, Job

QUICK_WARNING = "A quick run on a slice of the text, to see that all parts work: its numbers mean little."


def run_demo(corpus: str | Path | None, folder: str | Path, seed: int, quick: bool, console: Any) -> dict[str, Any]:
    """Everything, printed on `console`; the findings as a plain document.

    Raises:
        ValueError: the corpus cannot be used. OSError: the folder cannot be written.
        Interrupted: Ctrl-C; a second call resumes.
    """
    from lightning_scaling.report.study import Study

    ladder = PRESETS["quick" if quick else "demo"]
    job = Job(ladder, load_corpus(corpus), seed, Path(folder))
    job.folder.mkdir(parents=True, exist_ok=True)
    _introduce(job, console)
    with progress_bars(ladder, console) as show:
        records = run_ladder(job, show)
    found = findings([records[r.name] for r in ladder.cells], [records[r.name] for r in ladder.lengths], seed)
    page = _report(job, found)
    document = as_json(found) | {"report": str(page), "seed": seed, "corpus": job.corpus.name, "family": job.family}
    document["study_run"] = _log_once(job, Study((*found.sizes, *found.lengths)), found, document)
    _print(found, console)
    _print_where(job, page, console)
    if quick:
        console.print(f"[yellow]{QUICK_WARNING}")
    return document


def _introduce(job: Job, console: Any) -> None:
    ladder, corpus = job.ladder, job.corpus
    sizes = f"{ladder.cells[0].params:,} to {ladder.cells[-1].params:,} parameters"
    console.print(
        f"[bold]A ladder of {len(ladder.cells)} byte-level GPTs[/], {sizes}, on {corpus.name} "
        f"({len(corpus.train) / 1e6:.1f} MB to train on, {len(corpus.validation) / 1e6:.2f} MB of other files to validate on)."
    )
    if ladder.lengths:
        names = ", ".join(r.name for r in ladder.lengths)
        console.print(
            f"Beside it {len(ladder.lengths)} runs of other lengths ({names}): only they identify what size and data contribute each."
        )
    console.print("Ctrl-C stops; the same command resumes.\n")


def _report(job: Job, found: Findings) -> Path:
    from lightning_scaling.laws import preset
    from lightning_scaling.report.page import write_report

    presets = [preset("hoffmann2022"), preset("besiroglu2024")] if found.identified else []
    title = f"Scaling law of the ladder on {job.corpus.name}"
    records = (*found.sizes, *found.lengths)
    return write_report(job.folder, records, found.fit, title, presets=presets)


def _log_once(job: Job, members: Any, found: Findings, document: dict[str, Any]) -> str:
    """The study's run in MLflow. Findings that are already logged are not logged again by a second call."""
    from lightning_scaling.report.publish import log_study

    kept = job.folder / "findings.json"
    if kept.exists() and (before := json.loads(kept.read_text())).pop("study_run", None) and before == json.loads(json.dumps(document)):
        return str(json.loads(kept.read_text())["study_run"])
    law, largest = found.frontier, found.largest
    numbers = {
        "law/exponent": law.exponent,
        "law/r_squared": law.r_squared,
        "largest/predicted": largest.loss,
        "largest/observed": largest.observed,
    }
    files = {"report.html": job.folder / "report.html", **{p.name: p for p in sorted(job.folder.glob("*.png"))}}
    law_or_none = found.surface if found.identified else None
    run = log_study(members, law_or_none, files, uri=job.store, experiment=EXPERIMENT, metrics=numbers, tags={"scaling.family": job.family})
    kept.write_text(json.dumps(document | {"study_run": run}, indent=1))
    return run


def _print(found: Findings, console: Any) -> None:
    from lightning_scaling.report import tables

    law = found.surface if found.identified else None
    console.print(tables.runs_table((*found.sizes, *found.lengths)))
    console.print(tables.law_table(law, found.frontier))
    console.print(tables.prediction_table(found.largest))
    console.print(tables.allocation_table(found.sizes, found.split))
    if not found.identified:
        console.print(f"L(N, D) is not identified: {found.surface.because}; {found.surface.outcome}.")
        console.print("The split above assumes the ladder's own ratio of tokens to parameters is best at any compute.")
    console.print(_lengths(found) + "\n")


def _lengths(found: Findings) -> str:
    """What the runs of other lengths show of the ladder's ratio."""
    listed = ", ".join(f"{name} {100 * share:+.1f} %" for name, share in found.excess.items())
    if found.bracket is None:
        return f"Runs of other lengths against the ladder's law at equal compute: {listed}. They do not bracket the best ratio."
    low, high = found.bracket
    above = f"Runs of other lengths end above the ladder's law at equal compute ({listed})"
    return f"{above}: the best ratio lies between {low:.3g} and {high:.3g}."


def _print_where(job: Job, page: Path, console: Any) -> None:
    console.print(f"[bold]Report:[/] {_short(page)}", soft_wrap=True)
    command = mlflow_command(job.folder)
    console.print(f"[bold]MLflow:[/] {command}", soft_wrap=True)
    if "--app-name" in command:
        console.print(f"[bold]Page:[/] http://127.0.0.1:5000/scaling of that server; choose the experiment {EXPERIMENT}", soft_wrap=True)


def mlflow_command(folder: Path) -> str:
    """The one command that opens the runs in MLflow, with the page of laws where it is installed."""
    beside = Path(sys.executable).with_name("mlflow")
    program = "mlflow" if shutil.which("mlflow") else _short(beside)
    page = " --app-name lightning-scaling" if any(e.name == "lightning-scaling" for e in entry_points(group="mlflow.app")) else ""
    return f"{program} server{page} --backend-store-uri {shlex.quote(f'sqlite:///{_short(folder)}/mlflow.db')}"


def _short(path: Path) -> str:
    """Relative to the current folder where that is shorter."""
    return min((str(path), os.path.relpath(path)), key=len)
