"""The terminal tables against golden files, at a fixed width. To accept a change on purpose: write `rendered(...)` over the file."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from lightning_scaling.laws import fit_frontier, fit_runs, preset
from lightning_scaling.laws.extrapolation.backtests import HeldOut
from lightning_scaling.laws.outcomes import FrontierOutcome
from lightning_scaling.report import allocation_table, law_table, prediction_table, runs_table
from lightning_scaling.report.rows import rows

GOLDEN = Path(__file__).parent / "golden"


def rendered(table, width: int = 130) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"), color_system=None)  # noqa: SIM115
    with console.file:
        console.print(table)
    return "\n".join(line.rstrip() for line in console.export_text().splitlines()) + "\n"


@pytest.fixture
def tables(ladder, make_run, broken_runs, true_law):
    fitted = fit_frontier([r.flops for r in rows(ladder)], [r.loss for r in rows(ladder)])
    given = dict(floor=1.049, floor_interval=(0.9887, 1.099), floor_scale=9.8e12, floor_exponent=0.1807, r_squared=0.9904)
    frontier = replace(fitted, exponent=0.07706, exponent_interval=(0.07022, 0.08391), outcome=FrontierOutcome.FITTED, **given)
    largest = HeldOut(2_500_000, 75e6, 1.125e15, loss=1.482, low=1.45, high=1.51, observed=ladder[-1].loss, beyond=3.2)
    return {
        "runs": runs_table([*ladder, make_run(3_500_000, seen=0.6)]),
        "broken": runs_table(broken_runs),
        "no-runs": runs_table([]),
        "law": law_table(true_law, frontier),
        "no-law": law_table(),
        "prediction": prediction_table(largest),
        "allocation": allocation_table(ladder, true_law, [preset("besiroglu2024"), preset("palm2_2023")]),
    }


@pytest.mark.parametrize("name", ["runs", "broken", "no-runs", "law", "no-law", "prediction", "allocation"])
def test_the_table_reads_as_the_golden_file(tables, name):
    assert rendered(tables[name]) == (GOLDEN / f"{name}.txt").read_text()


def test_markup_in_a_name_is_text(make_run):
    assert "[red]x[/red]" in rendered(runs_table([make_run(1_000_000, name="[red]x[/red]")]))


@pytest.mark.parametrize("width", [80, 110])
def test_no_number_is_cut_in_a_terminal_of_common_width(ladder, width):
    text = rendered(runs_table(ladder), width)
    assert "…" not in text
    assert all(f"{run.loss:.3f}" in text and run.name in text for run in ladder)


def test_every_interval_is_whole_in_a_narrow_terminal(make_run):
    runs = [make_run(params, tokens_per_param=ratio) for params in (200_000, 400_000, 800_000) for ratio in (8, 30, 120)]
    table = allocation_table(runs, fit_runs(runs, resamples=20).surface)
    text, wide = rendered(table, 80), rendered(table, 130)
    intervals = [word for word in wide.split() if "–" in word[1:-1]]
    assert len(intervals) == 6
    assert "…" not in text
    assert set(intervals) <= set(text.split())
