"""The plan in words: counts as people write them, a table of laws, a table of learning rates and batch sizes. Plain text: loading rich
would cost half of the time."""

from typing import Any

from lightning_scaling.laws.tuning.hyperparameters import HYPERPARAMETER_LAWS
from lightning_scaling.numbers import ABSENT, compute, count, loss, loss_interval, pf_days, plain, scientific, share
from lightning_scaling.printed import aligned


def sentences(plan: dict[str, Any]) -> list[str]:
    """The answer to C = 6ND."""
    lines = [_machine(plan["machine"])] if "machine" in plan else []
    if plan["flops"] is None:
        known = f"{count(plan['params'])} params" if plan["params"] is not None else f"{count(plan['tokens'])} tokens"
        return [*lines, f"The budget for which {known} are the best use:"]
    budget = f"{scientific(plan['flops'])} FLOPs = {pf_days(plan['pf_days'])}"
    if plan["params"] is None:
        return [*lines, f"Budget: {budget}"]
    split = f"{count(plan['params'])} params on {count(plan['tokens'])} tokens ({count(plan['tokens_per_param'])} tokens per param)"
    lines.append(f"{split}: {budget}  (C = 6ND)")
    if plan["unique_tokens"]:
        from lightning_scaling.laws.presets.repeated import effective

        worth, epochs = effective(plan["tokens"], plan["unique_tokens"]), plan["tokens"] / plan["unique_tokens"]
        lines.append(f"{plain(epochs)} epochs of {count(plan['unique_tokens'])}: worth {count(worth)} fresh tokens")
    return lines


def _machine(machine: dict[str, Any]) -> str:
    chips = f"{count(machine['gpus'])} × {machine['gpu']} for {plain(machine['days'])} days"
    peak = f"{share(machine['mfu'])} of {machine['peak_flops'] / 1e12:.4g} TFLOP/s dense {machine['format']}"
    return f"{chips} at {peak} ({machine['source']})"


def table(plan: dict[str, Any]) -> str:
    """One row a law: its optimum for the budget, the loss it expects there and of the plan, and where it comes from."""
    asks_budget = plan["flops"] is None
    served, planned = any("served" in r for r in plan["laws"]), any("planned_loss" in r for r in plan["laws"])
    header = ["law", *(["FLOPs", "PF-days"] if asks_budget else []), "N*", "D*", "D*/N*", "loss"]
    header += (["loss of plan"] if planned else []) + (["served: N", "D"] if served else []) + ["constants"]
    rows = [_cells(row, asks_budget, served, planned) for row in plan["laws"]]
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]
    lines = [_line(cells, widths) for cells in [header, *rows]]
    notes = [f"  {row['law']}: {text}" for row in plan["laws"] if (text := row.get("why_no_optimum") or row["note"])]
    notes += [line for row in plan["laws"] for line in _distances(row)]
    notes += [f"  left out: {each['law']} cannot use {each['why']}" for each in plan["left_out"]]
    title = [] if asks_budget else [f"Optimum for {scientific(plan['flops'])} FLOPs"]
    return "\n".join([*title, *lines, *notes])


def hyperparameter_table(plan: dict[str, Any]) -> str:
    """The learning rate and batch size at the plan and at each optimum; empty where there is neither."""
    rows = hyperparameter_rows(plan)
    return "\n".join([aligned(rows), *hyperparameter_notes()]) if len(rows) > 1 else ""


def _line(cells: list[str], widths: list[int]) -> str:
    """First and last column to the left, numbers to the right."""
    inner = [cell.rjust(width) for cell, width in zip(cells[1:-1], widths[1:-1], strict=True)]
    return "  ".join([cells[0].ljust(widths[0]), *inner, cells[-1]])


def _cells(row: dict[str, Any], asks_budget: bool, served: bool, planned: bool) -> list[str]:
    cells = [row["law"], *([scientific(row.get("flops")), compute(row.get("pf_days"))] if asks_budget else [])]
    cells += [count(row.get("params")), count(row.get("tokens")), count(row.get("tokens_per_param")), _loss(row, "loss", "expected")]
    cells += [_loss(row, "planned_loss", "planned_expected")] if planned else []
    life = row.get("served")
    cells += ([count(life["params"]), count(life["tokens"])] if life else [ABSENT, ABSENT]) if served else []
    return [*cells, row["provenance"]]


def _loss(row: dict[str, Any], name: str, expected: str) -> str:
    """The loss by the law, or where it was fitted to own runs the one to expect, with its interval."""
    found = row.get(expected)
    return loss(row.get(name)) if found is None else loss_interval(found["loss"], found["low"], found["high"])


def _distances(row: dict[str, Any]) -> list[str]:
    """How far a law of own runs was carried, and the run that would shorten it."""
    found = [row[name] for name in ("planned_expected", "expected") if name in row][:1]
    far = [f"  {row['law']}: {count(each['factor'])} times the largest compute fitted on: {each['meaning']}" for each in found]
    return far + [f"  to shorten the distance: {each['shorten']['meaning']}" for each in found if each["shorten"]]


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
