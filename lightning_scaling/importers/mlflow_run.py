"""A run's metrics as MLflow's file store keeps them: one file a metric, each line `timestamp value step`."""

import re
from collections.abc import Iterator
from pathlib import Path

from lightning_scaling.importers.frame import Frame, Tally, frames_of
from lightning_scaling.importers.importer import Importer, Options
from lightning_scaling.importers.source import Source

_LINE = re.compile(r"\d{10,16} [-+.\deEnaif]+ \d+\s*$")


def recognises(source: Source) -> bool:
    """A file below a folder `metrics` with lines of three numbers."""
    parts = Path(source.path).parts
    return "metrics" in parts[:-1] and _LINE.match(source.text.split("\n", 1)[0]) is not None


def read(source: Source, options: Options, tally: Tally) -> Iterator[Frame]:
    """One row a point; the metric's name is the path below `metrics`."""
    parts = Path(source.path).parts
    last = len(parts) - 1 - parts[::-1].index("metrics") if "metrics" in parts else len(parts) - 2
    return frames_of(_rows(source, "/".join(parts[last + 1 :]), tally), tally)


def _rows(source: Source, name: str, tally: Tally) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in source.lines():
        cells = line.split(" ")
        if len(cells) >= 3 and cells[2].isdigit():
            yield number, {"step": cells[2], name: cells[1]}
        else:
            tally.skip("half-written last row", number)


IMPORTERS = (Importer("mlflow", "metric file of an MLflow run", recognises, read),)
