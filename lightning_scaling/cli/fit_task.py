"""What `fit --task` computes: the law of a score over the loss, and the score of a planned run."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lightning_scaling.cli.fit_answer import Found, Planned, larger_found, outcome_of, table_of
from lightning_scaling.cli.sources import Sources, explained
from lightning_scaling.laws import fit_task, predict_larger
from lightning_scaling.laws.configurations import Replicates


def answer(
    sources: Sources, columns: Mapping[str, str], planned: Planned, level: float, column: str, chance: float | None, read_as: Replicates
) -> Found:
    """The score in `column`; one that is nowhere above zero is a log-probability."""
    table = table_of(sources, "--task", {**columns, "score": column})
    score = table.more["score"]
    if not np.isfinite(score).any():
        raise ValueError(f"{table.name}: no cell of {column!r} is a number; --task names a column of scores")
    logs = bool(np.nanmax(score) <= 0)
    if logs and chance is not None:
        raise ValueError(f"--chance is for accuracies, and {column!r} holds log-probabilities: leave it out")
    law = fit_task(table.loss, score, chance=chance, kind="log_probability" if logs else "accuracy", groups=table.run)
    found: dict[str, Any] = {"law": "task", "score": column, "kind": law.kind, "chance": chance, "level": level, **outcome_of(law)}
    found |= {"runs": int(np.isfinite(score).sum()), "loss": list(law.loss)}
    words = [f"{column} over {table.columns['loss']}. {law}"]
    if planned.size is not None:
        if table.active is not None:
            raise ValueError("--task predicts runs of one N, and these have active and total params: leave --at-params out")
        at = planned.size
        made = predict_larger(table.params, table.tokens, table.loss, *at, level, groups=table.run, replicates=read_as, task=law)
        found["planned"] = larger_found(made, planned.params, planned.tokens)
        words.append(f"{planned}: {made}")
    return Found(found | {"read": [table.to_json()]}, "\n\n".join(words), explained([table]))
