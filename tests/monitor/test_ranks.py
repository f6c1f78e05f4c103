"""Sums over ranks: exact, over data-parallel ranks only, and made by every rank whatever fails."""

import numpy as np
import pytest

from lightning_scaling.accounting.ledger import from_limbs, to_limbs
from lightning_scaling.monitor.ranks import Ranks


def copies_of_this_rank(world, copies=1):
    """Ranks that all hold what this one holds, and the number of collective calls that were made."""
    made = []

    def reduce(values):
        made.append("reduce")
        return values * world

    def broadcast(decision):
        made.append("broadcast")
        return decision

    return Ranks(world, copies=copies, reduce=reduce, broadcast=broadcast), made


def test_alone_there_is_nothing_to_sum():
    assert Ranks().exchange([1, 2], 3.0) == (None, 3.0)


def test_large_counts_are_summed_exactly():
    ranks, _ = copies_of_this_rank(4)
    summed, loss = ranks.exchange(to_limbs([2**60 + 1]), 2.5)
    assert from_limbs(summed) == [4 * (2**60 + 1)]
    assert loss == 2.5


def test_ranks_that_see_the_same_batch_count_once():
    """Eight processes, four-fold tensor parallelism: two data-parallel replicas."""
    ranks, _ = copies_of_this_rank(8, copies=4)
    assert ranks.exchange([100])[0] == [200]


def test_a_rank_without_a_loss_does_not_move_the_mean():
    ranks = Ranks(2, reduce=lambda mine: np.add(mine, [0, 3.0, 1.0]))  # the other rank counts 0 and has a loss of 3
    assert ranks.exchange([5], None) == ([5], 3.0)


@pytest.mark.parametrize("fails_after", [0, 1, 2])
def test_a_hook_that_fails_still_makes_the_calls_it_owes(fails_after):
    ranks, made = copies_of_this_rank(2)

    def hook():
        with ranks.owing(lambda: ranks.exchange([0]), lambda: ranks.agree(False)):
            if fails_after > 0:
                ranks.exchange([1])
            if fails_after > 1:
                ranks.agree(True)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError):
        hook()
    assert made == ["reduce", "broadcast"]


@pytest.mark.parametrize(("others", "worst"), [([0, 0], 0), ([1, 0], 1), ([1, 1], 2)])
def test_the_worst_trouble_of_any_rank_is_known_to_all(others, worst):
    assert Ranks(2, reduce=lambda mine: np.add(mine, others)).worst(0) == worst
