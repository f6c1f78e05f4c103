"""Tables with one metric a row (MLflow's metric history, TensorBoard's and many databases' exports), turned into one column a metric."""

import numpy as np

from lightning_scaling.importers.frame import Frame
from lightning_scaling.importers.names import KEY, VALUE

__all__ = ["KEY", "VALUE", "widened"]


def widened(frame: Frame) -> Frame:
    """The frame with a column for each metric that its key column names; unchanged where there is no key or no value."""
    value = _named(frame.numbers, VALUE)
    if value is None:
        return frame
    key = _named(frame.texts, KEY)
    if key is None:
        return frame
    keys = np.array(frame.texts[key])
    numbers = {name: column for name, column in frame.numbers.items() if name not in (key, value)}
    for metric in dict.fromkeys(frame.texts[key]):
        if metric:
            numbers[metric] = np.where(keys == metric, frame.numbers[value], np.nan)
    return Frame(frame.row, numbers, {name: cells for name, cells in frame.texts.items() if name != key})


def _named(columns: object, names: tuple[str, ...]) -> str | None:
    lower = {str(name).lower(): str(name) for name in columns}  # type: ignore[attr-defined]
    return next((lower[name] for name in names if name in lower), None)
