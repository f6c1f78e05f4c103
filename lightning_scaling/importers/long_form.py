"""Tables with one metric a row (MLflow's metric history, many databases' exports), or with a row for each part of the data, widened."""

import numpy as np

from lightning_scaling.arrays import Floats
from lightning_scaling.importers.frame import Frame
from lightning_scaling.importers.names import KEY, SPLIT, TEST, TRAIN, VALIDATION, VALUE, role, words


def widened(frame: Frame) -> Frame:
    """The frame with a column for each metric that its key column names, and one for each part of the data that a column of parts names."""
    return _by_part(_by_key(frame))


def _by_key(frame: Frame) -> Frame:
    value, key = _named(frame.numbers, VALUE), _named(frame.texts, KEY)
    if value is None or key is None:
        return frame
    keys = np.array(frame.texts[key])
    numbers = {name: column for name, column in frame.numbers.items() if name not in (key, value)}
    for metric in dict.fromkeys(frame.texts[key]):
        if metric:
            numbers[metric] = np.where(keys == metric, frame.numbers[value], np.nan)
    return Frame(frame.row, numbers, {name: cells for name, cells in frame.texts.items() if name != key})


def _by_part(frame: Frame) -> Frame:
    """Losses named `train` or `val` after a column such as `phase`; the learning rate is that of the training rows."""
    part = next((name for name in frame.texts if name.lower() in SPLIT and _parts(frame.texts[name])), None)
    if part is None:
        return frame
    cells = np.array(frame.texts[part])
    trained = np.array([bool(set(words(cell)) & TRAIN) for cell in cells])
    numbers: dict[str, Floats] = {}
    for name, column in frame.numbers.items():
        what = (found := role(name)) and found.what
        if what in ("loss", "perplexity") and found is not None and not found.split:
            numbers |= {f"{cell} {name}".strip(): np.where(cells == cell, column, np.nan) for cell in dict.fromkeys(frame.texts[part])}
        elif name != part:
            numbers[name] = np.where(trained, column, np.nan) if what == "lr" and trained.any() else column
    return Frame(frame.row, numbers, {name: texts for name, texts in frame.texts.items() if name != part})


def _parts(cells: list[str]) -> bool:
    """Whether every cell names a part of the data, or none."""
    named = {cell for cell in cells if cell}
    return bool(named) and all(set(words(cell)) & (TRAIN | VALIDATION | TEST) and len(words(cell)) <= 2 for cell in named)


def _named(columns: object, names: tuple[str, ...]) -> str | None:
    lower = {str(name).lower(): str(name) for name in columns}  # type: ignore[attr-defined]
    return next((lower[name] for name in names if name in lower), None)
