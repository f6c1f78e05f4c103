"""What the monitor costs a training, beside an empty callback and Lightning's own monitors.

    python benchmarks/overhead.py [--steps 4000] [--json]
    python benchmarks/overhead.py --fits [--steps 1500] [--repeats 5]     whole trainings, see overhead_fits.py

The callbacks take turns from step to step within one fit, in random order, so that whatever else the machine does meets all alike.
"""

import argparse
import json
import logging
import os
import random
import socket
import statistics
import tempfile
import threading
import time
import tracemalloc
import warnings
from collections import defaultdict
from math import cos, pi

import overhead_fits
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import LearningRateMonitor, ThroughputMonitor
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset

from lightning_scaling.accounting import Meter, flops_rule
from lightning_scaling.callbacks import ScalingLawMonitor
from lightning_scaling.ladder.gpt import GPT
from lightning_scaling.monitor.losses import TrainingLoss
from lightning_scaling.monitor.progress import Progress
from lightning_scaling.run.record import Prediction

CONTEXT = 128
MODELS = {"25k": (24, 8), "3M": (288, 2)}  # width and rows of a batch
OF_ALL = ("setup", "on_fit_start", "on_train_start", "on_train_end", "teardown")
OF_ALL += ("on_validation_start", "on_validation_batch_start", "on_validation_batch_end", "on_validation_end")
SERVERS = ("sqlite", "refuses", "never answers", "answers 500")


class Model(LightningModule):
    def __init__(self, width):
        super().__init__()
        self.gpt = GPT(width, context=CONTEXT)

    def loss(self, batch):
        x, y = batch
        return torch.nn.functional.cross_entropy(self.gpt(x).flatten(0, 1), y.flatten())

    def training_step(self, batch, batch_idx):
        return self.loss(batch)

    def validation_step(self, batch, batch_idx):
        self.log("val_loss", self.loss(batch))

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), 1e-3)


class Turns(Callback):
    """Hands each step's hooks to one of several callbacks; keeps the time of the step and of the hooks in it."""

    def __init__(self, callbacks):
        self.callbacks, self.order = callbacks, []
        self.steps, self.hooks = defaultdict(list), defaultdict(list)
        self.now = self.started = None
        self.inside = 0.0

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        self.turn()
        self.call("on_train_batch_start", trainer, module, batch, batch_idx)

    def turn(self):
        if not self.order:
            self.order = random.sample(list(self.callbacks), len(self.callbacks))
        time_now = time.perf_counter()
        if self.now is not None:
            self.steps[self.now].append(time_now - self.started)
            self.hooks[self.now].append(self.inside)
        self.now, self.started, self.inside = self.order.pop(), time_now, 0.0

    def on_before_optimizer_step(self, trainer, module, optimizer):
        self.call("on_before_optimizer_step", trainer, module, optimizer)

    def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
        self.call("on_train_batch_end", trainer, module, outputs, batch, batch_idx)

    def call(self, hook, *arguments):
        began = time.perf_counter()
        getattr(self.callbacks[self.now], hook)(*arguments)
        self.inside += time.perf_counter() - began

    def __getattribute__(self, name):
        """Hooks that do not belong to a step go to all."""
        if name in OF_ALL:
            callbacks = super().__getattribute__("callbacks").values()
            return lambda *arguments, **named: [getattr(c, name)(*arguments, **named) for c in callbacks]
        return super().__getattribute__(name)


def loader(rows, batches):
    x = torch.randint(0, 256, (rows * batches, CONTEXT + 1))
    return DataLoader(TensorDataset(x[:, :-1], x[:, 1:]), batch_size=rows)


def quiet(callbacks, folder, **kwargs):
    silent = {
        "accelerator": "cpu",
        "devices": 1,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
    }
    return Trainer(callbacks=callbacks, default_root_dir=folder, **silent, **kwargs)


def step_costs(size, steps):
    """Median step and hook times (µs) of each callback, with quartiles of the step's difference to the empty one's."""
    width, rows = MODELS[size]
    throughput = ThroughputMonitor(batch_size_fn=lambda batch: len(batch[0]))
    monitors = {"monitor": ScalingLawMonitor(summary=False), "monitor without validation": _following_training_loss()}
    callbacks = {"empty": Callback(), **monitors, "ThroughputMonitor": throughput, "LearningRateMonitor": LearningRateMonitor()}
    turns = Turns(callbacks)
    with tempfile.TemporaryDirectory() as folder:
        trainer = quiet([turns], folder, max_steps=steps, logger=CSVLogger(folder), num_sanity_val_steps=0)
        trainer.fit(Model(width), loader(rows, min(steps, 200)), loader(rows, 1))
    empty = statistics.median(turns.hooks["empty"])
    return {name: costs_of(turns, name, empty) for name in callbacks}


def _following_training_loss():
    """A monitor as it is in a training without validation."""
    monitor = ScalingLawMonitor(summary=False)
    begin = monitor.on_train_start

    def on_train_start(trainer, module):
        begin(trainer, module)
        monitor._run.loss.of_training(TrainingLoss())

    monitor.on_train_start = on_train_start
    return monitor


def costs_of(turns, name, empty):
    apart = [1e6 * (a - b) for a, b in zip(turns.steps[name], turns.steps["empty"], strict=False)]
    low, middle, high = statistics.quantiles(apart, n=4)
    hooks = 1e6 * (statistics.median(turns.hooks[name]) - empty)
    step = 1e6 * statistics.median(turns.steps[name])
    return {"step_us": step, "hooks_us": hooks, "paired_us": middle, "quartiles_us": [low, high], "pairs": len(apart)}


def validation_costs(server, validations):
    """Milliseconds that a validation waits for the store, and that its forecast and advice take.

    The recorder imports mlflow in its thread when training starts, which takes turns with training for seconds; that was done before.
    """
    import mlflow.tracking  # noqa: F401

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, Server(server) as uri:
        os.environ["LIGHTNING_SCALING_SPOOL"] = f"{folder}/spool"
        monitor = ScalingLawMonitor(store=uri or f"sqlite:///{folder}/mlflow.db", summary=False)
        clock = Clock(monitor)
        trainer = quiet([monitor, clock], folder, max_steps=2 * validations, val_check_interval=2, limit_val_batches=1, logger=False)
        began = time.perf_counter()
        trainer.fit(Model(24), loader(8, 2 * validations), loader(2, 1))
    waits = [1e3 * w for w in clock.waits]
    reported = {"median_ms": statistics.median(waits), "largest_ms": max(waits), "validations": len(waits)}
    return reported | {"forecast_ms": 1e3 * statistics.median(clock.fits), "training_s": clock.ended - began}


class Clock(Callback):
    """Times the calls to the store and to the forecast within each validation."""

    def __init__(self, monitor):
        self.monitor, self.waits, self.fits, self.ended = monitor, [], [], 0.0

    def on_train_batch_end(self, trainer, *_):
        run = self.monitor._run
        if trainer.global_step == 1:
            timed(run._verdicts, "at", self.fits)
            for name in ("metrics", "tags", "record"):
                timed(run._reporter._recording, name, self.waits if name == "metrics" else None, self.waits)

    def on_train_end(self, *_):
        self.ended = time.perf_counter()


def timed(owner, name, begin, add=None):
    """Append what each call takes to `begin`, or add it to the last of `add`."""
    call = getattr(owner, name)

    def measured(*arguments):
        began = time.perf_counter()
        call(*arguments)
        took = time.perf_counter() - began
        if begin is not None:
            begin.append(took)
        elif add:
            add[-1] += took

    setattr(owner, name, measured)


class Server:
    """A tracking server of a given temper; its URI, None for the sqlite file."""

    def __init__(self, temper):
        self.temper, self.socket = temper, socket.socket()

    def __enter__(self):
        self.socket.bind(("127.0.0.1", 0))
        port = self.socket.getsockname()[1]
        if self.temper == "sqlite":
            return None
        if self.temper != "refuses":
            self.socket.listen(16)
        if self.temper == "answers 500":
            threading.Thread(target=self.fail, daemon=True).start()
        return f"http://127.0.0.1:{port}"

    def fail(self):
        while True:
            try:
                asked, _ = self.socket.accept()
                asked.recv(65536)
                asked.sendall(b"HTTP/1.1 500 no\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                asked.close()
            except OSError:
                return

    def __exit__(self, *_):
        self.socket.close()


def memory(steps):
    """Bytes held by the state of a run, after a tenth of the steps and after all, with a validation every hundred steps."""
    run = Progress()
    meter = Meter(flops_rule("6N", None, 25_000), run.ledger)
    batch = (torch.zeros(8, CONTEXT, dtype=torch.long),) * 2
    held = {}
    tracemalloc.start()
    for step in range(1, steps + 1):
        meter.begin(batch)
        meter.confirm()
        run.rates.note(1e-3 * (1 + cos(pi * step / steps)))
        if step % 100 == 0:
            meter.settle()
            run.ledger.sync()
            run.mark(2.0)
            run.predict(Prediction(run.ledger.tokens, 10**9, 2.0, 1.9, 2.1, "FORECAST", "CONTINUE", f"because of {step}"))
        if step in (steps // 10, steps // 2, steps):
            held[step] = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return held


def main():
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--steps", type=int, default=4000)
    ask.add_argument("--validations", type=int, default=100)
    ask.add_argument("--simulated", type=int, default=1_000_000)
    ask.add_argument("--fits", action="store_true", help="time whole trainings instead")
    ask.add_argument("--repeats", type=int, default=5)
    ask.add_argument("--json", action="store_true")
    asked = ask.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.manual_seed(0)
    random.seed(0)
    if asked.fits:
        return print(overhead_fits.table(overhead_fits.whole_fits(asked.steps if asked.steps != 4000 else 1500, asked.repeats)))
    found = {"steps": {size: step_costs(size, asked.steps if size == "25k" else asked.steps // 8) for size in MODELS}}
    found["validations"] = {server: validation_costs(server, asked.validations) for server in SERVERS}
    found["memory"] = memory(asked.simulated)
    print(json.dumps(found, indent=2) if asked.json else table(found))


def table(found):
    lines = ["| model | callback | step µs | paired difference µs (quartiles) | its hooks, µs a step |", "|---|---|---|---|---|"]
    for size, costs in found["steps"].items():
        for name, c in costs.items():
            low, high = c["quartiles_us"]
            paired = f"{c['paired_us']:+.0f} ({low:+.0f} to {high:+.0f})"
            lines.append(f"| {size} | {name} | {c['step_us']:.0f} | {paired} | {c['hooks_us']:.1f} |")
    head = "| store | waited a validation, median ms | largest ms | forecast and advice, median ms | training s |"
    lines += ["", head, "|---|---|---|---|---|"]
    for server, c in found["validations"].items():
        waits = f"{c['median_ms']:.3f} | {c['largest_ms']:.2f}"
        lines.append(f"| {server} | {waits} | {c['forecast_ms']:.1f} | {c['training_s']:.1f} |")
    held = ", ".join(f"{size / 1024:.0f} KiB after {step:,} steps" for step, size in found["memory"].items())
    return "\n".join([*lines, "", f"hooks are above those of an empty callback; memory of the run's state: {held}"])


if __name__ == "__main__":
    main()
