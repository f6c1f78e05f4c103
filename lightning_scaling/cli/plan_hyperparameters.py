"""The learning rate and batch size of a plan, by every published law: for its own N and D, and for the optimum of each law of size."""

from dataclasses import asdict
from typing import Any

from lightning_scaling.laws.tuning.hyperparameters import HYPERPARAMETER_LAWS
from lightning_scaling.numbers import count, scientific


def hyperparameters(params: float | None, tokens: float | None, flops: float | None) -> dict[str, Any]:
    """{law: {learning_rate, batch_tokens, extrapolated}} for a run; a value is None where the law needs what is not known."""
    return {name: asdict(law.at(params, tokens, flops)) for name, law in HYPERPARAMETER_LAWS.items()}


def hyperparameter_rows(plan: dict[str, Any]) -> list[list[str]]:
    """Rows of the second table, the head first; only the head where neither the plan nor a law has N or D."""
    head = [
        "peak learning rate and batch in tokens",
        "N",
        "D",
        *(cell for name in HYPERPARAMETER_LAWS for cell in (f"{name}: rate", "batch")),
    ]
    own = [("this plan", plan)] if plan.get("hyperparameters") else []
    return [head, *(_row(name, run) for name, run in own + [(row["law"], row) for row in plan["laws"] if row.get("hyperparameters")])]


def hyperparameter_notes() -> list[str]:
    """What each law holds for."""
    laws = [f"  {name}: {law.note}; {law.provenance}" for name, law in HYPERPARAMETER_LAWS.items()]
    return [*laws, "  * outside the sizes that the law was fitted on: where a sweep starts, not where it ends"]


def _row(name: str, run: dict[str, Any]) -> list[str]:
    pairs = (cell for each in run["hyperparameters"].values() for cell in _pair(each))
    return [name, count(run.get("params")), count(run.get("tokens")), *pairs]


def _pair(given: dict[str, Any]) -> tuple[str, str]:
    mark = "*" if given["extrapolated"] else ""
    written = scientific(given["learning_rate"]), count(given["batch_tokens"])
    return written[0] + mark * (given["learning_rate"] is not None), written[1] + mark * (given["batch_tokens"] is not None)
