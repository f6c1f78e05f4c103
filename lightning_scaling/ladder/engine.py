"""What a ladder asks of an engine: start tasks, say which have ended, ask all of them to end. Everything else is the engine's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lightning_scaling.ladder.chain_training import Report, Task

NOTHING = Report()


@dataclass(frozen=True)
class Ended:
    """A task that has ended: by itself, with a report, or because its process or node died, with the reason."""

    task: Task
    report: Report = NOTHING
    died: str = ""


class Engine(Protocol):
    """Runs tasks, each in a process with the cores of the design."""

    def room(self) -> int:
        """How many more tasks it takes now."""

    def start(self, tasks: Sequence[Task]) -> None:
        """Begin these tasks; returns at once."""

    def ended(self, timeout: float) -> list[Ended]:
        """The tasks that have ended since the last call, after `timeout` seconds at most."""

    def steps(self) -> dict[str, int]:
        """Steps done of cells being trained, by id, as far as the engine knows; the store knows the rest."""

    def stop(self) -> None:
        """Ask all running tasks to save a checkpoint and end; returns at once, `ended` says when they have."""

    def close(self) -> None:
        """Let go of everything; tasks that still run are ended."""


def make_engine(name: str, cores: int, lanes: int | None = None, **options: object) -> Engine:
    """The engine of this name: "local", "ray" or "slurm".

    Raises:
        ValueError: another name, or the engine is not installed.
    """
    if name == "local":
        from lightning_scaling.ladder.pool import Pool

        return Pool(cores, lanes)
    if name == "ray":
        from lightning_scaling.ladder.ray_engine import RayEngine

        return RayEngine(cores, **options)  # type: ignore[arg-type]
    if name == "slurm":
        from lightning_scaling.ladder.slurm_engine import SlurmEngine

        return SlurmEngine(cores, **options)  # type: ignore[arg-type]
    raise ValueError(f"engine must be one of local, ray, slurm, got {name!r}")
