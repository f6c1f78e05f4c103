"""Which models a ladder trains, declared before the first step: sizes, tokens, batch, learning rates, order.

The recipe keeps every cell equally well trained, so that only size differs. One batch for all left the small cells 240 steps (R² .973);
batch in proportion to width left the largest too few: 4 windows instead of 8 lowered its loss by 2.2 % at equal tokens. So the batch grows
as the square root of the width, the matrices' learning rate falls as 1/width, the embedding's as its fourth root.

Cells of one ratio of tokens to parameters give the law of compute, but cannot tell what size and data contribute each. A few more runs of
other lengths (`lengths`) can, and only they make an optimal split of compute more than an assumption.
"""

import hashlib
from dataclasses import dataclass, replace

from lightning_scaling.units import training_flops

WIDTHS = (16, 24, 32, 40, 48, 64)
TOKENS_PER_PARAM = 26.0
LENGTHS = ((16, 3.0), (32, 0.25))  # width, times the usual tokens
MATRIX_LR = 0.32  # over width
EMBEDDING_LR = 0.06  # over width^.25


@dataclass(frozen=True)
class Cell:
    """One model of a ladder and how it is trained.

    Args:
        name: of the run.
        width, depth, context: of the GPT.
        windows: texts of `context` bytes in a batch.
        steps: optimiser steps, a multiple of `evaluations`.
        evaluations: validations over the run, evenly spaced, the last one at the end.
        after: names of the cells that must be finished first: they are its siblings, whatever else runs beside it.
        of_other_length: trained for another number of tokens per parameter than the ladder.
    """

    name: str
    width: int
    depth: int
    context: int
    windows: int
    steps: int
    evaluations: int
    after: tuple[str, ...] = ()
    of_other_length: bool = False

    @property
    def params(self) -> int:
        """Embedding (tied with the head) and twelve width² a block.

        >>> make_ladder().cells[0].params
        13312
        """
        return 256 * self.width + 12 * self.depth * self.width**2

    @property
    def tokens(self) -> int:
        """Trained in all."""
        return self.steps * self.windows * self.context

    @property
    def flops(self) -> int:
        """6·N·D."""
        return int(training_flops(self.params, self.tokens))

    @property
    def validate_every(self) -> int:
        """Steps between two validations."""
        return self.steps // self.evaluations

    @property
    def matrix_lr(self) -> float:
        """Peak learning rate of everything but the embedding."""
        return MATRIX_LR / self.width

    @property
    def embedding_lr(self) -> float:
        """Peak learning rate of the embedding, which is the head too."""
        return float(EMBEDDING_LR / self.width**0.25)


@dataclass(frozen=True)
class Ladder:
    """Cells from the smallest to the largest, runs of other lengths beside them, the validation windows that judge them all."""

    name: str
    cells: tuple[Cell, ...]
    lengths: tuple[Cell, ...]
    validation_windows: int

    @property
    def runs(self) -> tuple[Cell, ...]:
        """All that is trained."""
        return self.cells + self.lengths

    @property
    def digest(self) -> str:
        """Six hex digits that tell one recipe from another."""
        recipe = (self.runs, self.validation_windows, MATRIX_LR, EMBEDDING_LR)
        return hashlib.sha256(repr(recipe).encode()).hexdigest()[:6]


def make_ladder(
    name: str = "demo",
    widths: tuple[int, ...] = WIDTHS,
    tokens_per_param: float = TOKENS_PER_PARAM,
    lengths: tuple[tuple[int, float], ...] = LENGTHS,
    *,
    depth: int = 3,
    context: int = 128,
    evaluations: int = 24,
    validation_windows: int = 192,
) -> Ladder:
    """A ladder by the recipe.

    Args:
        lengths: further runs, each of a width of the ladder and a multiple of its tokens.

    Raises:
        ValueError: widths that do not rise or are no multiples of 8 (the size of a head), or lengths of another width.
    """
    if not widths or any(w % 8 for w in widths) or list(widths) != sorted(set(widths)):
        raise ValueError(f"widths must rise and be multiples of 8, got {widths}")
    if strangers := {width for width, _ in lengths} - set(widths):
        raise ValueError(f"runs of other lengths must have a width of the ladder, {min(strangers)} is none of {widths}")
    bare = {w: Cell(f"w{w}", w, depth, context, round(w**0.5 / 2), evaluations, evaluations) for w in widths}
    names = [cell.name for cell in bare.values()]
    cells = [_trained(bare[w], tokens_per_param, names[: _finished_before(i, len(widths))]) for i, w in enumerate(widths)]
    further = [_of_length(bare[w], tokens_per_param, times, names[: widths.index(w)]) for w, times in lengths]
    return Ladder(name, tuple(cells), tuple(further), validation_windows)


def _trained(cell: Cell, tokens_per_param: float, after: list[str]) -> Cell:
    each = max(1, round(tokens_per_param * cell.params / cell.tokens))
    return replace(cell, steps=each * cell.evaluations, after=tuple(after))


def _of_length(cell: Cell, tokens_per_param: float, times: float, after: list[str]) -> Cell:
    """Half the validations: these runs are wanted for their end."""
    fewer = cell.evaluations // 2
    named = replace(cell, name=f"{cell.name} x{times:g}", steps=fewer, evaluations=fewer, of_other_length=True)
    return _trained(named, tokens_per_param * times, after)


def _finished_before(i: int, count: int) -> int:
    """How many cells cell `i` waits for, such that two can run at any time and the siblings do not depend on the clock.

    The largest takes as long as all others together: it starts while the three below it have still to run.
    """
    if i == count - 1:
        return max(0, i - 3)
    return i if i == count - 2 else max(0, i - 1)


PRESETS = {
    "demo": make_ladder(),
    # A few seconds, for tests of the machinery: its numbers mean little.
    "quick": make_ladder("quick", (8, 16, 24, 32, 40), 2.0, ((8, 4.0),), depth=1, context=64, evaluations=16, validation_windows=32),
}
