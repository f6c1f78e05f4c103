"""What a whole training pays for being monitored: wall time of fits with and without a callback, in turns.

    python benchmarks/overhead.py --fits [--steps 1500] [--repeats 5]

Fits of models that take 2 or 20 ms a step, validated every 15 steps, every epoch or never, on losses that fall and on losses that are
noise (judging noise takes longer), beside Lightning's ThroughputMonitor and EarlyStopping. The step waits instead of computing, so that
nothing but the callbacks moves the time; what a fit costs once (start-up) is shown beside what a longer fit costs more.
"""

import statistics
import tempfile
import time

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ThroughputMonitor
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader

from lightning_scaling.callbacks import ScalingLawMonitor

EPOCH = 500  # batches
VALIDATED = {"every 15 steps": {"val_check_interval": 15}, "every epoch": {}, "never": {"limit_val_batches": 0}}
CALLBACKS = {
    "none": lambda: [],
    "monitor": lambda: [ScalingLawMonitor(summary=False)],
    "ThroughputMonitor": lambda: [ThroughputMonitor(batch_size_fn=len)],
    "EarlyStopping": lambda: [EarlyStopping("val_loss", patience=10**6, strict=False)],
}


class Waiting(LightningModule):
    """A step that takes a stated time, and losses of a stated shape."""

    def __init__(self, seconds, noisy):
        super().__init__()
        self.weight = torch.nn.Linear(8, 8)
        self.seconds, self.noisy, self.seen = seconds, noisy, 0

    def training_step(self, batch, batch_idx):
        end = time.perf_counter() + self.seconds
        while time.perf_counter() < end:
            pass
        return self.weight.weight.sum() * 0 + self.shape()

    def validation_step(self, batch, batch_idx):
        self.seen += 1
        self.log("val_loss", self.shape())

    def shape(self):
        noise = float(torch.rand(()))
        return 2.0 + noise if self.noisy else 2.0 + 3.0 / (1 + self.global_step) ** 0.4 * (1 + 0.01 * noise)

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), 0.1)
        return [optimizer], [{"scheduler": torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 15_000), "interval": "step"}]


def fit_seconds(callbacks, seconds, noisy, steps, validated):
    """Wall time of one fit."""
    data = DataLoader(torch.zeros(EPOCH, 64, dtype=torch.long), batch_size=1)
    silent = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False, "num_sanity_val_steps": 0}
    with tempfile.TemporaryDirectory() as folder:
        silent |= {"accelerator": "cpu", "devices": 1, "logger": CSVLogger(folder), "default_root_dir": folder}
        trainer = Trainer(max_steps=steps, callbacks=callbacks(), **silent, **VALIDATED[validated])
        model, validation = Waiting(seconds, noisy), DataLoader(torch.zeros(1, 64, dtype=torch.long))
        began = time.perf_counter()
        trainer.fit(model, data, None if validated == "never" else validation)
        return time.perf_counter() - began


def whole_fits(steps, repeats):
    """{(ms a step, validated, losses): {callback: (fit s, more than none s)}}, medians over repeats taken in turns."""
    fit_seconds(CALLBACKS["monitor"], 0.0, False, 50, "every epoch")  # imports and caches are no part of a fit
    found = {}
    for milliseconds in (2, 20):
        for validated in VALIDATED:
            for losses in ("falling", "noise") if validated != "never" else ("falling",):
                case = (milliseconds, validated, losses)
                count = steps if milliseconds == 2 else max(steps // 5, 150)
                found[case] = _in_turns(milliseconds / 1e3, losses == "noise", count, validated, repeats)
    return found


def _in_turns(seconds, noisy, steps, validated, repeats):
    times = {name: [] for name in CALLBACKS if not (name == "EarlyStopping" and validated == "never")}
    for _ in range(repeats):
        for name in times:
            times[name].append(fit_seconds(CALLBACKS[name], seconds, noisy, steps, validated))
    more = {name: [a - b for a, b in zip(taken, times["none"], strict=True)] for name, taken in times.items()}
    return {name: (statistics.median(times[name]), statistics.median(more[name])) for name in times} | {"steps": steps}


def table(found):
    """As Markdown: what each callback adds to a fit, in ms and in per cent of it, beyond a start-up of .2 s for the monitor."""
    lines = [
        "| step | validated | losses | steps | fit s | callback | more ms | more % | beyond .2 s % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (milliseconds, validated, losses), costs in found.items():
        base = costs["none"][0]
        for name, cost in costs.items():
            if name in ("none", "steps"):
                continue
            more = cost[1]
            shares = f"{100 * more / base:+.1f} | {100 * max(more - 0.2, 0.0) / base:.1f}"
            where = f"{milliseconds} ms | {validated} | {losses} | {costs['steps']} | {base:.2f}"
            lines.append(f"| {where} | {name} | {1e3 * more:+.0f} | {shares} |")
    return "\n".join(lines)
