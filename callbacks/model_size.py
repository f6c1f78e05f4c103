"""N of the model that trains: counted whole, also where a strategy shards its weights later or the model is built late."""

from typing import Any

from lightning_scaling.accounting import count_parameters


def count_before(module: Any) -> dict[str, int]:
    """Parameters by group as the module was made, before any strategy touched it. Empty where its weights do not exist yet."""
    try:
        return count_parameters(module)
    except ValueError:  # lazy layers have no shapes before their own setup
        return {}


def count_after(module: Any, before: dict[str, int]) -> dict[str, int]:
    """Parameters by group once the strategy is set up: those of before, or of a model that was built since.

    Sharded weights answer with their full size on every rank, so nothing is summed over ranks.
    """
    return before if sum(before.values()) else count_parameters(module)
