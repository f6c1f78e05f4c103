"""Hyper-parameters that follow the size and length of a cell: a power law of each, published ones by name.

A value in a design is a number, or a table: `{at: .192, width: -1}` is .192 · width^-1, of anything the size holds and of N, D and C.
"""

import difflib
import math
from collections.abc import Mapping
from typing import Any

from lightning_scaling.laws.tuning.hyperparameters import HYPERPARAMETER_LAWS, PowerProduct

EARLIER_NAMES = {"step2025": "steplaw2025"}


def value_of(rule: Any, known: Mapping[str, Any]) -> Any:
    """A plain value as it is; a power law at what is known.

    Raises:
        ValueError: it names something that the cell does not hold.

    >>> value_of({"at": 0.192, "width": -1}, {"width": 64})
    0.003
    """
    if not isinstance(rule, Mapping):
        return rule
    if not _number(rule.get("at")) or rule["at"] <= 0:
        raise ValueError(f"a power law needs its factor, above zero: write {{at: 0.01, N: -0.3}}, got {dict(rule)!r}")
    logs = math.log(rule["at"])
    for name, power in rule.items():
        if name == "at":
            continue
        if not _number(known.get(name)):
            raise ValueError(f"{name!r} is nothing a cell holds; there are {', '.join(n for n, v in known.items() if _number(v))}")
        if not _number(power):
            raise ValueError(f"the power of {name} must be a number, got {power!r}")
        logs += power * math.log(known[name])
    try:
        return float(f"{math.exp(logs):.12g}")
    except OverflowError:
        raise ValueError(f"{dict(rule)!r} is too large to compute for this cell") from None


def published(name: Any) -> dict[str, dict[str, float]]:
    """The rules of learning rate and batch that a published law gives, by its name in `plan`.

    Raises:
        ValueError: no such law.
    """
    law = HYPERPARAMETER_LAWS.get(EARLIER_NAMES.get(str(name), str(name)))
    if law is None:
        near = difflib.get_close_matches(str(name), HYPERPARAMETER_LAWS, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ValueError(f"must be one of {', '.join(HYPERPARAMETER_LAWS)}, got {name!r}{hint}")
    return {"lr": _rule(law.learning_rate), "batch_tokens": _rule(law.batch_tokens)}


def _rule(law: PowerProduct) -> dict[str, float]:
    powers = {"N": law.params, "D": law.tokens, "C": law.flops}
    return {"at": law.scale} | {name: power for name, power in powers.items() if power}


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
