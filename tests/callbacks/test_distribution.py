"""Sums over ranks: exact, and over data-parallel ranks only."""

import torch

from lightning_scaling.callbacks.distribution import Ranks


class Copies:
    """A strategy in which every rank holds what this one holds."""

    root_device = torch.device("cpu")

    def __init__(self, world):
        self.world = world

    def reduce(self, tensor, reduce_op):
        return tensor * self.world if reduce_op == "sum" else tensor


def test_alone_there_is_nothing_to_sum():
    assert Ranks(None, world=1, copies=1, is_first=True).sum([1, 2]) is None


def test_large_counts_are_summed_exactly():
    assert Ranks(Copies(4), world=4, copies=1, is_first=True).sum([2**60 + 1]) == [4 * (2**60 + 1)]


def test_ranks_that_see_the_same_batch_count_once():
    """Eight processes, four-fold tensor parallelism: two data-parallel replicas."""
    assert Ranks(Copies(8), world=8, copies=4, is_first=True).sum([100]) == [200]
