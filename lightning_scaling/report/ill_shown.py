"""The runs that need a look as the page shows them: the first few with a picture, beside their siblings and what is different."""

from collections.abc import Callable, Sequence
from typing import Any

from lightning_scaling import numbers
from lightning_scaling.advice.family import FamilyReading
from lightning_scaling.report.averaged import averaged_words
from lightning_scaling.report.collapse import collapse_of
from lightning_scaling.report.figures.ill import ill_panels, of_its_size
from lightning_scaling.report.ill import Ill
from lightning_scaling.report.picture import Picture, picture
from lightning_scaling.report.power_law import power_law_line
from lightning_scaling.report.rows import RunRow
from lightning_scaling.report.siblings import FactsOf, no_facts, read_beside, words
from lightning_scaling.run.readings import plateau_of
from lightning_scaling.store.runs import Runs

MOST = 6  # with a picture


def ill_shown(
    ill: Sequence[Ill], runs: Sequence[RunRow], facts_of: FactsOf = no_facts, drawn: Callable[..., Picture] = picture
) -> list[dict[str, Any]]:
    """For each of the first runs its picture, made by `drawn`, sentences, and differences from its siblings (name, here, there)."""
    everyone = Runs(tuple(each.record for each in runs))
    return [_shown(each.run, each.reason, runs, everyone, facts_of, drawn) for each in ill[:MOST]]


def _shown(
    run: RunRow, reason: str, runs: Sequence[RunRow], everyone: Runs, facts_of: FactsOf, drawn: Callable[..., Picture]
) -> dict[str, Any]:
    record = run.record
    reading = collapse_of(record, everyone.siblings(record.family) if record.family else ())
    found = read_beside(record, everyone.records, facts_of)
    alike = "No logged parameter or tag is different from its siblings." if found.read and not found.differs else ""
    sentences = [words(record, found), alike, _family_words(reading, reason), averaged_words(record.curve)]
    shown = drawn(lambda theme: ill_panels(run, runs, reading, theme), _alt(run, reading), _caption(run, runs, reading))
    return {"picture": shown, "sentences": [text for text in sentences if text], "differs": found.differs}


def _family_words(reading: FamilyReading | None, reason: str) -> str:
    """What the comparison with the family found, where the reason does not state it already."""
    if reading is None or not len(reading.x) or (reading.departs and "departs from its family" in reason):
        return ""
    return f"The run {reading.because}."


def _caption(run: RunRow, runs: Sequence[RunRow], reading: FamilyReading | None) -> str:
    """What is drawn, and nothing else."""
    lines = ["Strong line: the run"]
    lines += ["dashed: its own power law"] if power_law_line(run.record) is not None else []
    lines += ["grey: finished runs of its size"] if of_its_size(run, runs) else []
    lines += ["▼: a plateau was called"] if plateau_of(run.record) is not None else []
    text = f"{'; '.join(lines)}."
    if reading is None or not len(reading.x):
        return text
    return f"{text} Beside it: how far its loss lies above its siblings at the same share of the budget; grey: how siblings differ."


def _alt(run: RunRow, reading: FamilyReading | None) -> str:
    beside = "; beside it its loss above that of its family at equal share of the budget" if reading is not None and len(reading.x) else ""
    return f"The loss of a run of {numbers.count(run.params)} parameters over compute, finished runs of its size in grey{beside}."
