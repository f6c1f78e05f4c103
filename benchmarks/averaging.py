"""What does the loss of averaged weights add to a forecast, and what does it cost?

    python benchmarks/averaging.py [--cache DIR]

Small trainings of two modalities, four schedules and three sizes, more with other rates, batches and an SGD, each forecast from 20, 30, 50
and 70 % of its budget without and with the averaged losses that a monitor would have measured by then (about a dozen a run). Errors are
mean absolute log errors in per cent, averaged over the modalities. Then the time that an update of the average takes beside a step.
"""

import argparse
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from small_trainings import CACHE, Training

import lightning_scaling as ls
from lightning_scaling.monitor.averaging import FIRST, RATIO, WeightAverage
from lightning_scaling.run.curve import Curve

SHAPES, SEEN = ("wsd", "cosine", "linear", "constant"), (0.2, 0.3, 0.5, 0.7)
WIDTHS, TASKS = (32, 56, 96), ("text", "images")
OTHERS: tuple[dict[str, float | str], ...] = ({"rate": 0.5}, {"rate": 2.0}, {"batch": 0.5}, {"batch": 2.0}, {"optimizer": "sgd"})


def trainings() -> list[Training]:
    """46 of them; the first 24 are every size, schedule and modality once."""
    found = [Training(task, width, shape, seed=21) for width in WIDTHS for task in TASKS for shape in SHAPES]
    found += [Training(task, 56, shape, seed=22, **other) for task in TASKS for shape in SHAPES[:2] for other in OTHERS]  # type: ignore[arg-type]
    return found + [Training(task, 32, "wsd", seed=23, examples=3.0) for task in TASKS]


def as_monitored(curve: Curve) -> Curve:
    """The curve with its averaged loss at the validations at which a monitor evaluates it, NaN at the others."""
    assert curve.step is not None
    assert curve.averaged_loss is not None
    kept, last = np.full(len(curve), np.nan), 0.0
    for index, step in enumerate(curve.step):
        if step >= max(FIRST * curve.step[-1], RATIO * last):
            kept[index], last = curve.averaged_loss[index], step
    return replace(curve, averaged_loss=kept)


def forecasts(cache: Path, console: Console) -> None:
    """The table of errors, then the coverage."""
    errors, inside = defaultdict(list), defaultdict(list)
    for run in track(trainings(), description="forecasting", console=console, disable=not console.is_terminal):
        curve = as_monitored(run.curve(cache))
        end = float(curve.tokens[-1])
        true = float(np.median(curve.loss[-3:]) if run.shape == "constant" else curve.loss[-1])
        for seen in SEEN:
            part = curve.until(seen * end)
            for kind, given in (("without", replace(part, averaged_loss=None)), ("with", part)):
                found = ls.forecast(given, at=end)
                errors[run.shape, seen, kind, run.task].append(abs(np.log(found.loss / true)))
                inside[kind, run.shape].append(found.low <= true <= found.high)
    table = Table("schedule", *(f"{100 * seen:.0f} % seen" for seen in SEEN), "coverage", title="error without → with (ratio)")
    for shape in SHAPES:
        cells = []
        for seen in SEEN:
            before, after = (100 * np.mean([np.mean(errors[shape, seen, kind, task]) for task in TASKS]) for kind in ("without", "with"))
            cells.append(f"{before:.2f} → {after:.2f} ({after / before:.2f})")
        table.add_row(shape, *cells, f"{np.mean(inside['without', shape]):.2f} → {np.mean(inside['with', shape]):.2f}")
    console.print(table)
    total = {kind: np.mean([hit for shape in SHAPES for hit in inside[kind, shape]]) for kind in ("without", "with")}
    console.print(f"coverage of the 90 % interval: {total['without']:.3f} without, {total['with']:.3f} with")


def cost(console: Console, steps: int = 150) -> None:
    """Median time of an update of the average against that of a training step, of a transformer layer of 3 million parameters."""
    torch.set_num_threads(1)
    model = torch.nn.TransformerEncoderLayer(512, 8, 2048, batch_first=True)
    optimizer, batch = torch.optim.AdamW(model.parameters(), lr=1e-4), torch.randn(16, 128, 512)
    average, spent = WeightAverage(model, "device"), defaultdict(list)
    for _ in range(steps):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        model(batch).square().mean().backward()
        optimizer.step()
        trained = time.perf_counter()
        average.update()
        spent["step"].append(trained - start)
        spent["update"].append(time.perf_counter() - trained)
    step, update = (1e3 * float(np.median(spent[name])) for name in ("step", "update"))
    console.print(f"a step of 2048 tokens through 3.2M parameters {step:.0f} ms, the average {update:.2f} ms: {100 * update / step:.2f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder that keeps the trainings, 6 minutes to fill")
    given, console = parser.parse_args(), Console(width=140)
    forecasts(given.cache, console)
    cost(console, 20)


if __name__ == "__main__":
    main()
