"""Is a run that leaves its family found, how soon, and how often is a healthy one accused?

    python benchmarks/departure.py [--cache DIR] [--data DIR]

Trains families of small models (bytes of text, synthetic images), then runs that are made ill on the way, and looks at each 40 times, once
for each fortieth of its budget, beside the rules that need no siblings. With --data (curves.parquet and curve_meta.parquet) faults are put
into published curves as well. A find before the fault is a false alarm; the delay is a share of the token budget.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from small_trainings import CACHE, Training

import lightning_scaling as ls
from lightning_scaling.advice.family import read_family
from lightning_scaling.advice.family_gate import comparable
from lightning_scaling.run.curve import Curve

LOOKS = 40
FAMILIES = (("text", "cosine"), ("text", "wsd"), ("images", "cosine"), ("images", "linear"))
SIBLINGS, TARGET = (24, 32, 48), 64
FAULTS = (
    ("rate x2", 0.3),
    ("rate x4", 0.3),
    ("rate x10", 0.0),
    ("targets", 0.5),
    ("repeated", 0.3),
    ("weight decay", 0.4),
    ("batch", 0.5),
    ("stuck", 0.4),
    ("early decay", 0.3),
    ("inputs", 0.6),
)
HARMED = 0.01  # log loss above its twin without the fault, from which a run counts as ill
MORE = (("targets", 0.35), ("repeated", 0.35), ("rate x4", 0.5), ("batch", 0.3))
PUBLISHED = ("step of .5 %", "step of 1 %", "ramp to 3 %", "improvement halved", "improvement stopped")


@dataclass(frozen=True, eq=False)
class Case:
    """A run with its siblings; `onset` is the share of the budget at which it falls ill, NaN for a healthy one."""

    name: str
    curve: Curve
    siblings: tuple[Curve, ...]
    onset: float
    harm: float = float("nan")


def own(cache: Path, console: Console) -> list[Case]:
    """The trainings: 24 ill, 20 healthy."""
    ill = [(task, "cosine", *fault) for task in ("text", "images") for fault in FAULTS]
    ill += [("text", "wsd", *fault) for fault in MORE[:2]] + [("images", "linear", *fault) for fault in MORE[2:]]
    runs = [Training(task, TARGET, shape, seed=11, fault=fault, at=at) for task, shape, fault, at in ill]
    runs += [Training(*family, seed=seed) for family in ((t, TARGET, s) for t, s in FAMILIES) for seed in range(1, 6)]
    found = []
    for run in track(runs, description="training", console=console, disable=not console.is_terminal):
        siblings = tuple(Training(run.task, width, run.shape).curve(cache) for width in SIBLINGS)
        name, curve = f"{run.task} {run.shape}: {run.fault or 'healthy'}", run.curve(cache)
        harm = _harm(curve, replace(run, fault="", at=0.0).curve(cache), run.at) if run.fault else np.nan
        if not run.fault or harm >= HARMED:
            found.append(Case(name, curve, siblings, run.at if run.fault else np.nan, harm))
        else:
            console.print(f"{name}: at most {100 * harm:.1f} % above its twin without the fault, so not counted as ill")
    return found


def _harm(curve: Curve, twin: Curve, onset: float) -> float:
    """How far the run lies above the same training without the fault, log loss over five validations."""
    off = np.log(curve.loss / twin.loss)[curve.tokens > onset * curve.tokens[-1]]
    return float(np.median(np.lib.stride_tricks.sliding_window_view(off, 5), axis=1).max())


def first_find(case: Case, siblings: int, rule: str) -> float:
    """Share of the budget at the first look that accuses the run; NaN for none."""
    end, given = float(case.curve.tokens[-1]), case.siblings[-siblings:]
    for look in range(1, LOOKS + 1):
        seen = case.curve.until(end * (look / LOOKS + 1e-9))
        if len(seen) and _accused(seen, end, given, rule):
            return look / LOOKS
    return float("nan")


def _accused(seen: Curve, end: float, given: tuple[Curve, ...], rule: str) -> bool:
    if rule == "family":
        found = read_family(seen, end, given)
        return found is not None and found.departs
    return ls.advise(seen, end).verdict.name == "INVESTIGATE"


def own_table(cases: Iterable[Case], console: Console) -> None:
    """Each ill training's delay by each rule, then the sums."""
    rules = (("three siblings", 3, "family"), ("two", 2, "family"), ("one", 1, "family"), ("without siblings", 0, "alone"))
    table = Table("training", "ill from %", "harm %", *(f"{name}: found after %" for name, _, _ in rules), title="own trainings")
    delays, alarms = defaultdict(list), defaultdict(int)
    healthy = 0
    for case in track(list(cases), description="looking", console=console, disable=not console.is_terminal):
        finds = [first_find(case, siblings, rule) for _, siblings, rule in rules]
        early = [find < case.onset if case.onset == case.onset else find == find for find in finds]
        for (name, _, _), find, wrong in zip(rules, finds, early, strict=True):
            alarms[name] += wrong
            if case.onset == case.onset:
                delays[name].append(np.nan if wrong else find - case.onset)
        if case.onset != case.onset:
            healthy += 1
            if not any(early):
                continue
        cells = ["early" if wrong else f"{100 * (f - case.onset):.1f}" for f, wrong in zip(finds, early, strict=True)]
        table.add_row(case.name, f"{100 * case.onset:.0f}", f"{100 * case.harm:.1f}", *(cell.replace("nan", "–") for cell in cells))
    console.print(table)
    for name, _, _ in rules:
        late = np.array(delays[name])
        found = late[np.isfinite(late)]
        middle = f"{100 * np.median(found):.1f} %" if len(found) else "–"
        false = f"false alarms {alarms[name]} of {healthy + len(late)} runs"
        console.print(f"{name}: {len(found)} of {len(late)} found, median delay {middle}, {false}")


# faults put into published curves --------------------------------------------------------------------------------------------------------


def published(data: Path) -> list[tuple[str, Curve, tuple[Curve, ...]]]:
    """(source, curve, siblings of other sizes) of every published run that does not turn up."""
    import pandas as pd

    meta = pd.read_parquet(data / "curve_meta.parquet").set_index("curve_id")
    read = {
        str(name): (meta.loc[name], _curve(meta.loc[name], rows))
        for name, rows in pd.read_parquet(data / "curves.parquet").groupby("curve_id")
    }
    runs = {name: (about, curve) for name, (about, curve) in read.items() if curve is not None}
    found = []
    for about, curve in runs.values():
        others = [(a, c) for a, c in runs.values() if a.family == about.family and c.params != curve.params]
        found.append((str(about.source), curve, tuple(c for a, c in others if a.seed == about.seed or a.seed != a.seed)))
    return found


def _curve(about: object, rows: object) -> Curve | None:
    loss, tokens, step, lr = (getattr(rows, name).to_numpy(float) for name in ("loss", "tokens", "step", "lr"))
    warm = float(about.warmup_steps) if np.isfinite(about.warmup_steps) else 0.0
    kept = (step > warm) if warm else tokens > 0.01 * tokens[-1]
    kept[1:] &= np.diff(tokens) > 0
    tail = np.median(loss[-max(len(loss) // 12, 5) :])
    if kept.sum() < LOOKS or tail > 1.004 * loss[kept].min() * 1.02 or not (loss[kept] > 0).all():
        return None
    schedule = ls.Schedule(np.r_[0.0, step], np.r_[0.0 if warm else lr[0], np.maximum(lr, 0)]) if np.isfinite(lr).all() else None
    unique = float(about.unique_tokens) if np.isfinite(about.unique_tokens) else None
    return Curve(tokens[kept], loss[kept], step[kept], schedule, int(about.n_params), unique)


def broken(curve: Curve, fault: str, onset: float) -> Curve:
    """The curve with a fault from the share `onset` of its budget on."""
    x, loss = curve.tokens / curve.tokens[-1], curve.loss
    after = x > onset
    if fault.startswith("step"):
        return replace(curve, loss=loss * np.where(after, 1.005 if ".5" in fault else 1.01, 1.0))
    if fault.startswith("ramp"):
        return replace(curve, loss=loss * (1 + 0.03 * np.clip((x - onset) / 0.2, 0, 1)))
    smooth = np.array([np.median(loss[max(i - 3, 0) : i + 4]) for i in range(len(loss))])
    lost = np.maximum(float(np.interp(onset, x, smooth)) - smooth, 0.0) * (0.5 if "halved" in fault else 1.0)
    return replace(curve, loss=loss + np.where(after, lost, 0.0))


def published_table(data: Path, console: Console) -> None:
    """For one to three siblings the false alarms of healthy runs; for three each fault's share found and delay."""
    runs = published(data)
    for siblings in (3, 2, 1):
        drawn, delays, false, count = np.random.default_rng(0), defaultdict(list), [], 0
        for source, curve, others in track(runs, description=f"{siblings} siblings", console=console, disable=not console.is_terminal):
            nearest = comparable(curve, float(curve.tokens[-1]), others).kept[:siblings]
            if len(nearest) < siblings:
                continue
            count += 1
            if np.isfinite(first_find(Case(source, curve, nearest, np.nan), siblings, "family")):
                false.append(source)
            for fault in PUBLISHED if siblings == 3 else ():
                onset = drawn.uniform(0.2, 0.8)
                delays[fault].append(first_find(Case(source, broken(curve, fault, onset), nearest, onset), siblings, "family") - onset)
        table = Table("fault", "found %", "median delay %", "90th percentile %", title=f"published runs with {siblings} siblings")
        for fault, late in delays.items():
            found = np.array([d for d in late if d >= 0]) * 100
            table.add_row(fault, f"{100 * len(found) / len(late):.0f}", *(f"{v:.1f}" for v in (np.median(found), np.quantile(found, 0.9))))
        console.print(table if delays else f"published runs with {siblings} siblings")
        console.print(f"false alarms: {len(false)} of {count} healthy runs {' '.join(sorted(false))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder that keeps the trainings, 4 minutes to fill")
    parser.add_argument("--data", type=Path, help="folder with curves.parquet and curve_meta.parquet")
    given, console = parser.parse_args(), Console(width=140)
    own_table(own(given.cache, console), console)
    if given.data is not None:
        published_table(given.data, console)


if __name__ == "__main__":
    main()
