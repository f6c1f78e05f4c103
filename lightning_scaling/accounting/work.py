"""What one token costs a model, weight by weight: which products are done forward, which backward.

A matrix of n weights takes 2n operations forward, 2n for the gradient of its input where something before it is trained, and 2n for its
own gradient where it is trained itself: 6n in all, 4n frozen among trained layers, 2n frozen at the start of the model. Of experts only
the share counts that a token meets.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lightning_scaling.accounting.attention import Attention
from lightning_scaling.accounting.experts import Experts
from lightning_scaling.accounting.roles import embedding_keys, head_layer, vocabulary
from lightning_scaling.accounting.weights import Weight


@dataclass(frozen=True)
class Work:
    """FLOPs per token of the weights, forward and backward, and the attention layers whose cost depends on the length."""

    forward: int
    backward: int
    attention: tuple[Attention, ...] = ()

    def per_token(self, length: int) -> tuple[int, int]:
        """Forward and backward FLOPs of a token in a sequence of `length`."""
        scores = [(a.forward_flops(length), a.backward) for a in self.attention]
        forward = sum(flops for flops, _ in scores)
        return self.forward + forward, self.backward + sum(2 * flops for flops, reached in scores if reached)


def of_weights(held: Sequence[Weight], experts: Experts, attention: Sequence[Attention]) -> Work:
    """Work of a transformer from its weights: all matrices but the tables, and the head's also where it is the table."""
    forward = backward = Fraction(0)
    for weight, reached in _matrices(list(held)):
        forward += 2 * experts.met(weight)
        backward += 2 * experts.met(weight) * (weight.trainable + reached)
    return Work(int(forward), int(backward), tuple(attention))


def of_n(held: Sequence[Weight], experts: Experts, left_out: Container[int] = ()) -> Work:
    """Work by the rule of six operations per weight of N: 2 less for each gradient that a frozen weight does not need."""
    forward = backward = Fraction(0)
    for weight, reached in _in_order(held):
        if weight.key not in left_out:
            forward += 2 * experts.met(weight)
            backward += experts.met(weight) * (4 if weight.trainable else 2 * reached)
    return Work(int(forward), int(backward))


def of_count(active: int, attention: Sequence[Attention]) -> Work:
    """Work where the weights that a token meets are declared, as for a mixture of experts."""
    return Work(2 * active, 4 * active, tuple(attention))


def _in_order(held: Sequence[Weight]) -> Iterator[tuple[Weight, bool]]:
    """Each weight once, and whether something before it is trained; the head last, wherever it is registered, tied or not."""
    head, table = head_layer(held), vocabulary(held)
    ends = {w.key for w in held if w.holder is head}
    if head is None and table is not None:  # the table itself is used
        ends = {table.key}
    once, trained = list({w.key: w for w in held}.values()), False
    for weight in [w for w in once if w.key not in ends] + [w for w in once if w.key in ends]:
        yield weight, trained
        trained |= weight.trainable


def _matrices(held: list[Weight]) -> Iterator[tuple[Weight, bool]]:
    """Each matrix that a token is multiplied with, and whether something before it is trained; the head last, wherever it is registered."""
    tables, head, table = embedding_keys(held), head_layer(held), vocabulary(held)
    body = [w for w in held if w.holder is not head]
    trained, seen = False, set(tables)
    for weight in body:
        if len(weight.shape) >= 2 and weight.key not in seen:
            yield weight, trained
        seen.add(weight.key)
        trained |= weight.trainable
    last = [w for w in held if w.holder is head and len(w.shape) == 2] or ([table] if table else [])
    yield from ((weight, trained) for weight in last[:1])
