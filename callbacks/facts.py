"""What a fit knows of its run beside the counts: its size, how it is counted, and its plan."""

from dataclasses import dataclass

from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.schedule import Schedule


@dataclass
class Facts:
    """What a fit has found out about its run, beside the counts.

    Args:
        params: N by the convention asked for.  groups: weights by group.  conventions: how all this was counted.
        schedule: the learning-rate plan, None where there is none.  planned_tokens: tokens at the end of the plan.
    """

    params: int
    groups: dict[str, int]
    conventions: Conventions
    schedule: Schedule | None = None
    planned_tokens: int | None = None
