"""The report in a terminal: the runs, the law, the prediction of the largest, what ten times the compute would buy."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions
from rich.table import Table
from rich.text import Text

from lightning_scaling import numbers
from lightning_scaling.laws.capabilities import AllocationLaw
from lightning_scaling.laws.extrapolation.backtests import HeldOut
from lightning_scaling.laws.frontier.frontier import FrontierFit
from lightning_scaling.laws.presets.presets import Preset
from lightning_scaling.laws.surface.surface_fit import SurfaceFit
from lightning_scaling.report.law_lines import Line, frontier_lines, prediction_lines, surface_lines
from lightning_scaling.report.optima import AllocationText, allocations
from lightning_scaling.report.rows import RunRow, rows, state_words
from lightning_scaling.run.record import Prediction, RunRecord


@dataclass(frozen=True)
class AnyWidth:
    """A table that is made when it is printed: `make(True)` from 110 columns on, else `make(False)`, which is narrower."""

    make: Callable[[bool], Table]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        yield self.make(options.max_width >= _WIDE)


def runs_table(records: Iterable[RunRecord]) -> AnyWidth:
    """One line a run, the smallest model first; a narrow terminal gets the columns that decide, without the interval."""
    runs = rows(records)
    return AnyWidth(lambda wide: _runs(runs, _COLUMNS if wide else _NARROW))


_WIDE = 110
_COLUMNS: dict[str, Callable[[RunRow], str]] = {
    "run": lambda run: numbers.shortened(run.name, 24),
    "N": lambda run: numbers.count(run.params),
    "tokens": lambda run: numbers.count(run.tokens),
    "FLOPs": lambda run: numbers.scientific(run.flops or None),
    "PF-days": lambda run: numbers.compute(run.pf_days or None),
    "tokens/N": lambda run: numbers.count(run.tokens_per_param),
    "loss": lambda run: numbers.loss(run.loss),
    "forecast at half": lambda run: f"{numbers.loss(run.forecast.loss)} ({_interval(run.forecast)})" if run.forecast else numbers.ABSENT,
    "off by": lambda run: numbers.percent(run.error),
    "verdict": lambda run: run.verdict if state_words(run.record) == "finished" else f"{run.verdict} ({state_words(run.record)})".strip(),
}
_NARROW = {
    "run": lambda run: numbers.shortened(run.name, 14),
    **{name: _COLUMNS[name] for name in ("N", "tokens", "PF-days", "loss")},
    "at half": lambda run: numbers.loss(run.forecast.loss) if run.forecast else numbers.ABSENT,
    **{name: _COLUMNS[name] for name in ("off by", "verdict")},
}


def _runs(runs: Sequence[RunRow], columns: dict[str, Callable[[RunRow], str]]) -> Table:
    table = _table("Runs")
    for name in columns:
        table.add_column(name, justify="left" if name in ("run", "verdict") else "right", no_wrap=name != "verdict")
    for run in runs:
        table.add_row(*(Text(write(run)) for write in columns.values()))  # Text: a run's name is never read as markup
    return table


def _interval(forecast: Prediction) -> str:
    return numbers.between(forecast.low, forecast.high)


def law_table(law: SurfaceFit | None = None, frontier: FrontierFit | None = None) -> Table:
    """The constants of the fitted laws with their intervals; the outcome of each fit below."""
    table = _lines("Law", [] if frontier is None else frontier_lines(frontier))
    table.add_section()
    _add(table, [] if law is None else surface_lines(law))
    outcomes = [] if frontier is None else [f"L(C): {frontier.outcome}"]
    outcomes += [] if law is None else [f"L(N, D): {law.outcome}"]
    table.caption = "\n".join(outcomes) or "no law yet: it takes finished runs of several sizes"
    return table


def prediction_table(largest: HeldOut) -> Table:
    """The largest run as the smaller ones predict it, and the observed loss."""
    title = f"The run of {numbers.count(largest.params)} parameters on {numbers.count(largest.tokens)} tokens"
    return _lines(title, prediction_lines(largest))


def allocation_table(records: Sequence[RunRecord], law: AllocationLaw, beside: Sequence[Preset] = ()) -> AnyWidth:
    """N_opt and D_opt for the compute of the largest run and ten times it, by the fitted law and any `beside` it."""
    found = allocations(rows(records), law, beside)
    return AnyWidth(lambda wide: _allocations(found, wide))


def _allocations(found: Sequence[AllocationText], wide: bool) -> Table:
    """Intervals beside their values, below them in a narrow terminal."""
    table, ends = _table("Best use of compute"), ["90 %"] if wide else []
    for name in ("compute", "law", "N_opt", *ends, "D_opt", *ends, "tokens/N", "loss", *ends):
        words = name in ("compute", "law")
        table.add_column(name, justify="left" if words else "right", no_wrap=not words)
    for a in found:
        pairs = ((a.params, a.params_interval), (a.tokens, a.tokens_interval), (a.loss, a.loss_interval))
        size, length, loss = (pair if wide else ("\n".join(pair).removesuffix(f"\n{numbers.ABSENT}"),) for pair in pairs)
        cells = (f"{numbers.scientific(a.flops)} ({a.budget})", a.law, *size, *length, a.tokens_per_param, *loss)
        table.add_row(*map(Text, cells))
    return table


def _lines(title: str, lines: Iterable[Line]) -> Table:
    table = _table(title)
    for name, justify in (("quantity", "left"), ("value", "right"), ("90 % interval", "right"), ("meaning", "left")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    _add(table, lines)
    return table


def _add(table: Table, lines: Iterable[Line]) -> None:
    for line in lines:
        table.add_row(*(Text(cell) for cell in (line.name, line.value, line.interval, line.meaning)))


def _table(title: str) -> Table:
    from rich.box import SIMPLE_HEAD

    return Table(
        title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), caption_justify="left"
    )
