"""What `fit` found, in words and small tables."""

from collections.abc import Sequence
from typing import Any

from lightning_scaling.cli.plan_table import count


def words(found: dict[str, Any]) -> str:
    """The whole answer for a terminal."""
    parts = [_law(found)]
    parts += [_optima(found)] if found["optima"] else []
    parts += [found["outliers"]["because"] + _without(found["outliers"])] if found["outliers"] and found["outliers"]["proposed"] else []
    parts += [_approaches(found["approaches"])] if "approaches" in found else []
    parts += [_backtest(found["backtest"])] if "backtest" in found else []
    parts += [_next(found["next_runs"])] if "next_runs" in found else []
    parts += [f"saved as {found['saved']}"] if "saved" in found else []
    return "\n\n".join(parts)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Rows as columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    cells = ([cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))] for row in rows)
    return "\n".join("  ".join(row).rstrip() for row in cells)


def _law(found: dict[str, Any]) -> str:
    rows = [("L(N, D) = E + A/N^alpha + B/D^beta", "", f"{100 * found['level']:g} % interval")]
    for name, value in found["constants"].items():
        interval = (found["intervals"] or {}).get(name)
        label = "a of N* ∝ C^a" if name == "N_exponent" else name
        rows.append((label, _number(value), f"{_number(interval[0])} to {_number(interval[1])}" if interval else "–"))
    first, of = found["agreement"]
    advice = f"\n{run['meaning']}" if (run := found["identifying_run"]) else ""
    return f"{aligned(rows)}\n{found['runs']} runs; {first} of {of} starts agree. {found['meaning']} ({found['because']}){advice}"


def _optima(found: dict[str, Any]) -> str:
    rows = [("best use of", "PF-days", "N*", "", "D*", "", "D*/N*", "loss")]
    for best in found["optima"]:
        size, length = (f"({count(i[0])} to {count(i[1])})" if (i := best[f"{k}_interval"]) else "" for k in ("params", "tokens"))
        ratio = f"{best['tokens'] / best['params']:.3g}"
        amounts = (count(best["params"]), size, count(best["tokens"]), length, ratio, f"{best['loss']:.4f}")
        rows.append((f"{best['flops']:.3g} FLOPs", f"{best['pf_days']:.3g}", *amounts))
    return aligned(rows)


def _without(outliers: dict[str, Any]) -> str:
    constants = outliers["constants_without"]
    listed = ", ".join(f"{name} {_number(value)}" for name, value in constants.items()) if constants else ""
    return f"\nwithout them: {listed} (nothing was dropped above)" if listed else ""


def _approaches(found: dict[str, Any]) -> str:
    rows = [("a of N* ∝ C^a", "", "interval", "")]
    for row in found["table"]:
        interval = f"{row['interval'][0]:.3f} to {row['interval'][1]:.3f}" if row["interval"] else "–"
        rows.append((row["approach"], f"{row['N_exponent']:.3f}" if row["N_exponent"] is not None else "–", interval, row["because"]))
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = ["  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[3]]).rstrip() for row in rows]
    return "\n".join([*lines, found["verdict"]])


def _backtest(found: dict[str, Any]) -> str:
    rows: list[Sequence[str]] = [("held out", "params", "tokens", "loss", "foretold", "low", "high", "compute")]
    for run in found["held_out"]:
        losses = (f"{run[k]:.4f}" for k in ("loss", "predicted", "low", "high"))
        rows.append(("", count(run["params"]), count(run["tokens"]), *losses, f"× {run['factor']:.3g}"))
    return f"{aligned(rows)}\n{found['because']}"


def _next(found: dict[str, Any]) -> str:
    rows = [("train next", "params", "tokens", "FLOPs", "PF-days")]
    for run in found["runs"]:
        rows.append(("", count(run["params"]), count(run["tokens"]), f"{run['flops']:.3g}", f"{run['pf_days']:.3g}"))
    target = f"{count(found['target_params'])} params on {count(found['target_tokens'])} tokens"
    errors = f"{100 * found['error_before']:.2f} % to {100 * found['error_after']:.2f} %"
    return f"{aligned(rows)}\nthey bring the standard error of the loss of {target} from {errors}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.5g}"
