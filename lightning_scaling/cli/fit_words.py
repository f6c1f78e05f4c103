"""What `fit` found, in words and small tables."""

from collections.abc import Sequence
from typing import Any

from lightning_scaling.numbers import ABSENT, OPEN, between, compute, count, loss, plain, scientific, share
from lightning_scaling.printed import aligned

# A run is worth naming where it leaves no more than this share of a standard error.
HELPS = 0.9
MOST_HELD_OUT = 12
# Notes that change how the law is to be read; the others are in the document.
ALWAYS = ("are these in billions", "sweep hyper-parameters", "exchanged?", "perplexities?", "far above L(N, D)")
_DENSE = "L(N, D) above is that of dense models: a mixture of experts counts as one of its effective size."


def words(found: dict[str, Any]) -> str:
    """The whole answer for a terminal."""
    parts = [f"warning: {note}" for note in found["notes"] if any(each in note for each in ALWAYS)] + [_law(found)]
    parts += [_optima(found)] if found["optima"] else []
    parts += [found["outliers"]["because"] + _without(found["outliers"])] if found["outliers"] and found["outliers"]["proposed"] else []
    parts += [found["planned"]["words"] + _shorten(found["planned"])] if "planned" in found else []
    parts += [f"{found['moe']['words']}\n{_DENSE}"] if "moe" in found else []
    parts += [_approaches(found["approaches"])] if "approaches" in found else []
    parts += [_backtest(found["backtest"])] if "backtest" in found else []
    parts += [_next(found["next_runs"])] if "next_runs" in found else []
    parts += [f"saved as {found['saved']}"] if "saved" in found else []
    return "\n\n".join(parts)


def _law(found: dict[str, Any]) -> str:
    rows = [("L(N, D) = E + A/N^alpha + B/D^beta", "", f"{100 * found['level']:g} % interval")]
    for name, value in found["constants"].items():
        interval = (found["intervals"] or {}).get(name)
        label = "a of N* ∝ C^a" if name == "N_exponent" else name
        edges = between(interval[0], interval[1], plain) if interval else ABSENT
        rows.append((label, plain(value), OPEN if interval and interval[0] is None else edges))
    first, of = found["agreement"]
    searched = f"; {first} of {of} starts agree" if of else ""
    runs = "1 run" if found["runs"] == 1 else f"{found['runs']} runs"
    text = f"{runs}{searched}. {found['meaning']} ({found['because']}){_advice(found)}"
    return f"{aligned(rows)}\n{text}" if of and found["outcome"] != "NO_FALL" else text


def _advice(found: dict[str, Any]) -> str:
    """The run that would identify an exponent, where it helps and none is named yet."""
    run = found["identifying_run"]
    helps = run and run["error_after"] < HELPS * run["error_before"] and "add a run of" not in found["because"]
    return f"\n{run['meaning']}" if run and helps else ""


def _optima(found: dict[str, Any]) -> str:
    if found["optima"][0]["params"] is None:
        return "These runs determine no best split of a budget between N and D."
    rows = [("best use of", "PF-days", "N*", "", "D*", "", "D*/N*", "expected loss", "")]
    for best in found["optima"]:
        size, length = (f"({between(i[0], i[1], count)})" if (i := best[f"{k}_interval"]) else "" for k in ("params", "tokens"))
        expected = best["expected"]
        amounts = (count(best["params"]), size, count(best["tokens"]), length, count(best["tokens"] / best["params"]))
        losses = (loss(expected["loss"]), f"({between(expected['low'], expected['high'])})")
        rows.append((f"{scientific(best['flops'])} FLOPs", compute(best["pf_days"]), *amounts, *losses))
    doubt = (
        ""
        if found["split_identified"]
        else "\nThe split above is not identified by these runs: read it as one of many that fit them alike."
    )
    known = found["split_identified"] and found["shorten"] and "planned" not in found
    nearer = f"\nto shorten the distance: {found['shorten']}" if known else ""
    return aligned(rows) + nearer + doubt


def _without(outliers: dict[str, Any]) -> str:
    constants = outliers["constants_without"]
    listed = ", ".join(f"{name} {plain(value)}" for name, value in constants.items()) if constants else ""
    return f"\nwithout them: {listed} (nothing was dropped above)" if listed else ""


def _approaches(found: dict[str, Any]) -> str:
    rows = [("a of N* ∝ C^a", "", "interval", "")]
    for row in found["table"]:
        interval = between(row["interval"][0], row["interval"][1], plain) if row["interval"] else ABSENT
        rows.append((row["approach"], plain(row["N_exponent"]), interval, row["because"]))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[3]]).rstrip() for row in rows]
    return "\n".join([*lines, found["verdict"]])


def _backtest(found: dict[str, Any]) -> str:
    rows: list[Sequence[str]] = [("held out", "params", "tokens", "loss", "predicted", "low", "high", "compute")]
    held = sorted(found["held_out"], key=lambda run: float(run["factor"]))
    for run in held[-MOST_HELD_OUT:]:
        losses = (loss(run[k]) for k in ("loss", "predicted", "low", "high"))
        rows.append(("", count(run["params"]), count(run["tokens"]), *losses, f"× {count(run['factor'])}"))
    others = f"\n(the {MOST_HELD_OUT} of most compute out of {len(held)})" if len(held) > MOST_HELD_OUT else ""
    return f"{aligned(rows)}{others}\n{found['because']}"


def _shorten(planned: dict[str, Any]) -> str:
    return f"\nto shorten the distance: {planned['shorten']['meaning']}" if planned["shorten"] else ""


def _next(found: dict[str, Any]) -> str:
    rows = [("train next", "params", "tokens", "FLOPs", "PF-days")]
    for run in found["runs"]:
        rows.append(("", count(run["params"]), count(run["tokens"]), scientific(run["flops"]), compute(run["pf_days"])))
    target = f"{count(found['target_params'])} params on {count(found['target_tokens'])} tokens"
    errors = f"{share(found['error_before'])} to {share(found['error_after'])}"
    return f"{aligned(rows)}\nthey bring the standard error of the loss of {target} from {errors}"
