"""A training as small as it can be: what the tests of the monitor attach it to, and a script for those that need processes of their own.

    python training.py FOLDER [--epochs N] [--devices N] [--resume CKPT] [--die-after SECONDS] …
    python training.py serve      reads such arguments from stdin, a JSON list of lists a line, and runs those of a line side by side

The server has imported everything before it forks: a process then costs a second and not the ten of its imports.
"""

import argparse
import json
import os
import signal
import sys
import threading
import traceback
import warnings
from importlib import import_module
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

FLAVOUR = os.environ.get("FLAVOUR", "lightning.pytorch")
VOCABULARY, WIDTH, LENGTH = 16, 4, 8
PARAMS = VOCABULARY * WIDTH + WIDTH * VOCABULARY + VOCABULARY  # embedding, head and its bias


def model_class(flavour=FLAVOUR):
    """A bigram model in the Lightning of that name."""

    class Bigrams(import_module(flavour).LightningModule):
        def __init__(self, steps=200, rate=0.02):
            super().__init__()
            torch.manual_seed(0)
            self.embed, self.head = nn.Embedding(VOCABULARY, WIDTH), nn.Linear(WIDTH, VOCABULARY)
            self.steps, self.rate = steps, rate

        def loss(self, batch):
            x, y = batch
            return nn.functional.cross_entropy(self.head(self.embed(x)).flatten(0, 1), y.flatten())

        def training_step(self, batch, batch_idx):
            return self.loss(batch)

        def validation_step(self, batch, batch_idx, dataloader_idx=0):
            self.log("val_loss", self.loss(batch))

        def configure_optimizers(self):
            optimizer = torch.optim.Adam(self.parameters(), self.rate)
            scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.steps)
            return [optimizer], [{"scheduler": scheduler, "interval": "step"}]

    return Bigrams


def loader(rows=20, batch=4, seed=0, **kwargs):
    """`rows` sequences of LENGTH tokens. All sequences are the same: Lightning starts an epoch's data anew where it resumes within it."""
    x = torch.randint(0, VOCABULARY, (1, LENGTH), generator=torch.Generator().manual_seed(seed)).repeat(rows, 1)
    return DataLoader(TensorDataset(x, (3 * x + 1) % VOCABULARY), batch_size=batch, **kwargs)


def trainer(folder, callbacks=None, flavour=FLAVOUR, **kwargs):
    """A silent trainer on the CPU; no logger and no checkpoints unless asked for."""
    quiet = {"accelerator": "cpu", "devices": 1, "enable_progress_bar": False, "enable_model_summary": False, "logger": False}
    asked = quiet | {"enable_checkpointing": False, "default_root_dir": folder} | kwargs
    return import_module(flavour).Trainer(callbacks=callbacks, **asked)


def serve():
    import mlflow.tracking  # noqa: F401

    import lightning_scaling.callbacks.lightning
    import lightning_scaling.store.recorder  # noqa: F401

    torch.set_num_threads(1)
    import_module(FLAVOUR)
    for line in sys.stdin:
        children = [os.fork() or _child(arguments) for arguments in json.loads(line)]
        print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]), flush=True)


def _child(arguments):
    """Train in this forked process and end it; what it prints goes to printed.txt in its folder."""
    printed = open(Path(arguments[0]) / "printed.txt", "w")  # noqa: SIM115
    os.dup2(printed.fileno(), 1)
    os.dup2(printed.fileno(), 2)
    os.chdir(arguments[0])
    code = 1
    try:
        main(arguments)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main(arguments=None):
    warnings.simplefilter("ignore")
    warnings.filterwarnings("always", "scaling:")
    ask = argparse.ArgumentParser()
    ask.add_argument("folder", type=Path)
    ask.add_argument("--epochs", type=int, default=4)
    ask.add_argument("--rows", type=int, default=20)
    ask.add_argument("--val-every", type=int, default=4)
    ask.add_argument("--save-every", type=int, default=3)
    ask.add_argument("--devices", type=int, default=1)
    ask.add_argument("--strategy", default="auto")
    ask.add_argument("--accumulate", type=int, default=1)
    ask.add_argument("--resume", default=None)
    ask.add_argument("--store", default=None)
    ask.add_argument("--signal-at", type=int, default=None, help="batch at which the process gets the signal")
    ask.add_argument("--signal", default="SIGKILL")
    ask.add_argument("--signal-in", default="on_train_batch_end", help="hook at whose call of that number instead")
    ask.add_argument("--die-after", type=float, default=None, help="seconds from the first batch to a SIGKILL")
    ask.add_argument("--fail", default=None, help="module:name of a function that raises from the second batch on")
    ask.add_argument("--fail-rank", type=int, default=0)
    run(ask.parse_args(arguments))


def run(asked):
    from lightning_scaling.monitor import budget

    # a test run started in the background ignores Ctrl-C, and its children would too
    signal.signal(signal.SIGINT, signal.default_int_handler)
    budget.START = budget.MOST_AT_ONCE = 1e9  # every validation is judged, so that two trainings record the same
    os.environ["LIGHTNING_SCALING_SPOOL"] = str(asked.folder / "spool")  # a resumed process finds what a killed one left
    from lightning_scaling.callbacks import ScalingLawMonitor

    checkpoint = import_module(FLAVOUR).callbacks.ModelCheckpoint
    monitor, fate = ScalingLawMonitor(store=asked.store, summary=False, stop=True), dying(asked)
    saver = checkpoint(
        asked.folder, every_n_train_steps=asked.save_every, save_last=True, save_top_k=1, filename="step", enable_version_counter=False
    )
    more = {
        "accumulate_grad_batches": asked.accumulate,
        "val_check_interval": asked.val_every,
        "devices": asked.devices,
    }
    strategy = {} if asked.strategy == "auto" else {"strategy": asked.strategy}
    armed = [failing(asked.fail, asked.fail_rank)] if asked.fail else []
    made = trainer(asked.folder, [*armed, monitor, fate, saver], max_epochs=asked.epochs, enable_checkpointing=True, **more, **strategy)
    resume = asked.resume if asked.resume and Path(asked.resume).exists() else None
    made.fit(model_class()(), loader(asked.rows), loader(8, seed=1), ckpt_path=resume)
    if asked.die_after is not None:
        signal.pause()  # a training quicker than its death waits for it
    if made.is_global_zero and monitor.record is not None:
        tell(asked.folder, monitor, fate.rows)


def dying(asked):
    """A callback that counts rows by hand, and sends this process a signal at a batch or kills it some time after the first."""

    class Dying(import_module(FLAVOUR).Callback):
        batches = rows = calls = 0

        def called(self, hook):
            self.calls += hook == asked.signal_in
            if hook == asked.signal_in and self.calls == asked.signal_at:
                os.kill(os.getpid(), getattr(signal, asked.signal))

        def on_validation_batch_start(self, trainer, *_):
            if not trainer.sanity_checking:
                self.called("on_validation_batch_start")

        def on_save_checkpoint(self, *_):
            self.called("on_save_checkpoint")

        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            self.batches += 1
            self.rows += len(batch[0])
            self.called("on_train_batch_end")
            if self.batches == 1 and asked.die_after is not None:
                threading.Timer(asked.die_after, os.kill, (os.getpid(), signal.SIGKILL)).start()

    return Dying()


def failing(target, rank, error=None, after=1):
    """A callback that lets a function of the package raise on one rank once `after` batches are trained."""

    class Failing(import_module(FLAVOUR).Callback):
        batches = 0

        def on_train_batch_end(self, trainer, *_):
            self.batches += 1
            if self.batches == after and trainer.global_rank == rank:
                self.undo = break_(target, error or RuntimeError("injected"))

    return Failing()


def break_(target, error):
    """Let a function raise; call what is returned to mend it."""
    module, _, name = target.partition(":")
    *path, last = name.split(".")
    owner = import_module(module)
    for part in path:
        owner = getattr(owner, part)
    kept = vars(owner)[last]

    def broken(*_, **__):
        raise error

    setattr(owner, last, property(broken) if isinstance(kept, property) else broken)
    return lambda: setattr(owner, last, kept)


def tell(folder, monitor, rows):
    record = monitor.record
    reported = record.to_json() | {"state": record.state.name, "reported": record.extra, "rows": rows}
    (folder / f"reported-{os.environ.get('LOCAL_RANK', 0)}.json").write_text(json.dumps(reported))


if __name__ == "__main__":
    sys.exit(serve() if sys.argv[1:] == ["serve"] else main())
