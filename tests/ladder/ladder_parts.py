"""What tests give to a ladder that its processes must be able to import: builders that fail, and work that is no training."""

import os
import signal
import time
from pathlib import Path

from lightning_scaling.ladder import tiny_gpt
from lightning_scaling.ladder.chain_training import Report, train_chain
from lightning_scaling.ladder.engine import Ended
from lightning_scaling.ladder.run_folder import Session

SIZES = [{"width": 8, "depth": 1, "context": 32}, {"width": 16, "depth": 1, "context": 32}]


def build(cell, folder=None, **arguments):
    """The tiny GPT; the cell named "raises" raises, "dies" is killed at its first attempt, and "raises once" raises at its first."""
    first = folder is not None and not (mark := Path(folder) / cell.id).exists()
    if first:
        mark.touch()
    if cell.name == "raises" or (cell.name == "raises once" and first):
        raise RuntimeError("this size does not fit")
    if cell.name == "dies" and first:
        os.kill(os.getpid(), signal.SIGKILL)
    return tiny_gpt.build(cell, **arguments)


def params_of(size, folder=None, **arguments):
    return tiny_gpt.params_of(size)


build.params_of = params_of


class InProcess:
    """An engine that trains in the process of the test, one task after the other: no seconds of starting processes."""

    def __init__(self):
        self.done = []

    def room(self):
        return 1

    def start(self, tasks):
        self.done += [Ended(task, train_chain(task, Session())) for task in tasks]

    def ended(self, timeout):
        done, self.done = self.done, []
        return done

    def steps(self):
        return {}

    def stop(self):
        pass

    def close(self):
        pass


def sleep(task, session):
    """Work that takes as long as the arguments say, and notes when it began and ended."""
    begun = time.time()
    time.sleep(task.design.arguments["seconds"])
    if log := task.design.arguments.get("log"):
        with open(Path(log) / task.chain.cells[0].id, "a") as file:
            file.write(f"{begun} {time.time()} {os.getpid()}\n")
    return Report()


def until_stopped(task, session):
    """Work that ends when it is asked to."""
    while not session.stopping():
        time.sleep(0.01)
    return Report(stopped=True)
