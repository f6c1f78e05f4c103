"""The bundled builder: byte-level GPTs of a few thousand parameters on real text, for two CPU cores.

A size is `{width: 64}` (and `depth`, `context`, 3 and 128 where not given); `corpus` is a text file or a folder, by default the source of
Python's standard library. Hyper-parameters: `matrix_lr`, of everything but the embedding, and `embedding_lr`.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from lightning_scaling.ladder.cell import Cell
from lightning_scaling.ladder.corpus import Corpus, load_corpus

DEPTH, CONTEXT = 3, 128
WIDEST = 4096
HEAD = 8


def build(cell: Cell, corpus: str | None = None, validation_windows: int = 192) -> tuple[Any, Any, dict[str, Any]]:
    """The module, the loaders of training and validation, and the Trainer's arguments for a cell.

    Raises:
        ValueError: the corpus cannot be used, a batch is not a whole number of windows, or a learning rate is missing.
    """
    from lightning_scaling.ladder.gpt import ByteModel
    from lightning_scaling.ladder.windows import TrainingWindows, validation_batches

    text, context = cached_corpus(corpus), int(cell.size.get("context", CONTEXT))
    windows, rest = divmod(cell.batch_tokens, context)
    if rest or not windows:
        raise ValueError(f"batch_tokens must be a multiple of the context of {context}, got {cell.batch_tokens}")
    if missing := [name for name in ("matrix_lr", "embedding_lr") if not isinstance(cell.hyper.get(name), int | float)]:
        raise ValueError(f"hyper needs matrix_lr and embedding_lr, peak learning rates; {missing[0]} is missing")
    read = text.train if cell.unique_tokens is None else text.train[: cell.unique_tokens + 1]
    train = TrainingWindows(read, context, windows, cell.steps, cell.seed)
    return ByteModel(cell), (train, validation_batches(text.validation, context, validation_windows)), dict(accelerator="cpu", devices=1)


def params_of(size: Mapping[str, Any], **arguments: Any) -> int:
    """N of a size: the embedding (tied with the head) and twelve width² a block.

    Raises:
        ValueError: a width that is no multiple of 8, the size of a head.

    >>> params_of({"width": 16})
    13312
    """
    width, depth = size.get("width"), size.get("depth", DEPTH)
    if not isinstance(width, int) or width % HEAD or not 0 < width <= WIDEST:
        raise ValueError(f"width must be a multiple of {HEAD} up to {WIDEST}, got {width!r}")
    if strange := set(size) - {"width", "depth", "context"}:
        raise ValueError(f"{min(strange)!r} means nothing here; a size has width, depth and context")
    return int(256 * width + 12 * depth * width**2)


def nearest(params: float, **arguments: Any) -> dict[str, Any]:
    """The size of the usual depth whose N is nearest.

    >>> nearest(14_000)
    {'width': 16}
    """
    return {"width": min(range(HEAD, WIDEST + 1, HEAD), key=lambda width: abs(params_of({"width": width}) - params))}


def fingerprint(corpus: str | None = None, **arguments: Any) -> str:
    """Differs between corpora."""
    return cached_corpus(corpus).digest


@cache
def cached_corpus(corpus: str | None) -> Corpus:
    """Read once a process."""
    return load_corpus(corpus)


build.params_of, build.nearest, build.fingerprint = params_of, nearest, fingerprint  # type: ignore[attr-defined]
