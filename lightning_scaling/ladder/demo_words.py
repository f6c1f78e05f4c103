"""What the demo prints: what is trained, the law, the largest run, the next ones, the runs that are ill, and where all of it lies."""

import os
import shlex
import shutil
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.ladder.design import Design
from lightning_scaling.ladder.findings import Findings
from lightning_scaling.ladder.tiny_gpt import cached_corpus
from lightning_scaling.units import pf_days


def introduce(design: Design, console: Any) -> None:
    """What is trained, on what."""
    corpus = cached_corpus(design.arguments.get("corpus"))
    family = [cell for cell in design.cells if cell.family == design.cells[0].family]
    sizes = sorted({cell.params for cell in family})
    console.print(
        f"[bold]{len(family)} runs of {len(sizes)} byte-level GPTs[/], {sizes[0]:,} to {sizes[-1]:,} parameters, on {corpus.name} "
        f"({len(corpus.train) / 1e6:.1f} MB to train on, {len(corpus.validation) / 1e6:.2f} MB of other files to validate on)."
    )
    shared = 1 - design.computed_flops / design.flops
    console.print(
        f"A width is one run at a constant learning rate; decays branch off for each budget ({numbers.share(shared)} less to compute)."
    )
    if beside := len(design.cells) - len(family):
        console.print(f"Beside it {beside} runs that are ill on purpose, to show what the advice says of them.")
    console.print("Ctrl-C stops; the same command resumes.\n")


def print_findings(found: Findings, console: Any) -> None:
    """Tables and sentences."""
    from lightning_scaling.report import tables

    console.print(tables.runs_table((*found.members, *found.beside)))
    console.print(tables.law_table(found.surface if found.identified else None, found.frontier))
    if not found.identified:
        console.print(f"L(N, D) is not identified: {found.surface.because}; {found.surface.outcome}.\n")
    console.print(_approaches(found))
    console.print(tables.prediction_table(found.largest))
    if found.identified:
        console.print(tables.allocation_table(found.members, found.fit))
    for line in (*_verdicts(found), _next(found), _bill(found)):
        console.print(line + "\n", highlight=False)


def _approaches(found: Findings) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title="How N_opt grows: N_opt ∝ C^a", title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("approach", "a", "90 %", "from"):
        table.add_column(name, justify="left" if name in ("approach", "from") else "right", no_wrap=name != "from")
    for each in () if found.approaches is None else found.approaches.table[:3]:
        interval = numbers.between(*each.interval, numbers.plain) if each.interval else numbers.ABSENT
        table.add_row(each.name, numbers.plain(each.N_exponent), interval, each.because)
    table.caption = "Intervals resample the trunks, since branches share one: with few of them they stay wide."
    table.caption_justify = "left"
    return table


def _verdicts(found: Findings) -> list[str]:
    """A sentence on each run that is ill on purpose."""
    from lightning_scaling.report.rows import rows

    return [f"{row.name}: {row.verdict} at {_share(row)} of its budget. {row.because}" for row in rows(found.beside)]


def _share(row: Any) -> str:
    planned = row.record.planned_tokens
    return numbers.share(row.tokens / planned) if planned else numbers.ABSENT


def _next(found: Findings) -> str:
    proposed = found.proposed
    if proposed is None or not proposed.runs:
        return "No next runs: the law has no constants yet."
    runs = ", ".join(f"{numbers.count(run.params)} on {numbers.count(run.tokens)} tokens" for run in proposed.runs)
    error = f"{100 * proposed.error_before:.2g} % to {100 * proposed.error_after:.2g} %"
    return f"Next, for the compute of the largest run: {runs}. The standard error of the loss at ten times that compute falls from {error}."


def _bill(found: Findings) -> str:
    spent, paths = found.computed_flops, found.paths_flops
    saved = f"{numbers.share(1 - spent / paths)} less than its runs one by one, which share trunks"
    return f"Computed: {numbers.scientific(spent)} FLOPs = {numbers.pf_days(pf_days(spent))}, {saved}."


def print_where(folder: Path, page: Path, experiment: str, console: Any) -> None:
    """The report and the command that opens the runs."""
    console.print(f"[bold]Report:[/] {_short(page)}", soft_wrap=True)
    command = mlflow_command(folder)
    console.print(f"[bold]MLflow:[/] {command}", soft_wrap=True)
    if "--app-name" in command:
        console.print(f"[bold]Page:[/] http://127.0.0.1:5000/scaling of that server; choose the experiment {experiment}", soft_wrap=True)


def mlflow_command(folder: Path) -> str:
    """The one command that opens the runs in MLflow, with the page of laws where it is installed."""
    beside = Path(sys.executable).with_name("mlflow")
    program = "mlflow" if shutil.which("mlflow") else _short(beside)
    page = " --app-name lightning-scaling" if any(e.name == "lightning-scaling" for e in entry_points(group="mlflow.app")) else ""
    return f"{program} server{page} --backend-store-uri {shlex.quote(f'sqlite:///{_short(folder)}/mlflow.db')}"


def _short(path: Path) -> str:
    """Relative to the current folder where that is shorter."""
    return min((str(path), os.path.relpath(path)), key=len)
