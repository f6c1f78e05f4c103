"""All batches that a step is handed at once are counted, whatever loaders they come from."""

import pytest
import torch
from lightning.pytorch.utilities import CombinedLoader
from torch.utils.data import DataLoader

from lightning_scaling.accounting import Ledger, Meter, count_tokens, flops_rule
from lightning_scaling.accounting.loaders import loader_tree, split

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # Lightning's, of torch 2.13
LENGTH = 16


def loader(rows):
    return DataLoader(torch.zeros(rows, LENGTH, dtype=torch.long), 8)


SHORT, LONG = 16, 40
COLLECTIONS = {
    "dict": lambda: {"a": loader(SHORT), "b": loader(LONG)},
    "list": lambda: [loader(SHORT), loader(LONG)],
    "nested": lambda: {"a": loader(SHORT), "more": [loader(LONG), (loader(SHORT), loader(SHORT))]},
}


def rows_drawn(combined):
    """Rows of all batches, counted on the tensors themselves."""
    leaves = [leaf for batch, _, _ in combined for leaf in torch.utils._pytree.tree_leaves(batch) if leaf is not None]
    return sum(len(leaf) for leaf in leaves)


@pytest.mark.parametrize("mode", ["min_size", "max_size_cycle", "max_size", "sequential"])
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_batch_of_a_combined_loader_is_counted(collection, mode):
    combined = CombinedLoader(COLLECTIONS[collection](), mode)
    expected = LENGTH * rows_drawn(iter(combined))
    assert sum(count_tokens(batch, loaders=combined) for batch, _, _ in iter(combined)) == expected


@pytest.mark.parametrize("mode", ["max_size_cycle", "max_size"])
def test_a_meter_counts_all_loaders(mode):
    combined, ledger = CombinedLoader(COLLECTIONS["dict"](), mode), Ledger()
    expected = LENGTH * rows_drawn(iter(combined))
    meter = Meter(flops_rule("6N", None, params=1000), ledger, loaders=combined)
    for batch, _, _ in iter(combined):
        meter.begin(batch)
        meter.confirm()
    meter.settle()
    assert (ledger.tokens, ledger.flops) == (expected, 6000 * expected)


def test_two_tensors_are_a_pair_from_one_loader_and_two_batches_from_two():
    ids = torch.zeros(8, LENGTH, dtype=torch.long)
    assert count_tokens([ids, ids], loaders=loader(8)) == 8 * LENGTH
    assert count_tokens([ids, ids], loaders=[loader(8), loader(8)]) == 2 * 8 * LENGTH


def test_examples_of_all_loaders_are_counted():
    images = torch.zeros(4, 3, 8, 8)
    assert count_tokens({"a": (images, 0), "b": (images[:1], 0)}, "samples", loaders={"a": 1, "b": 1}) == 5


def test_masks_of_all_loaders_are_kept():
    batch = {"input_ids": torch.zeros(2, 4, dtype=torch.long), "attention_mask": torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0]])}
    assert count_tokens([batch, batch], mask=True, loaders=[loader(8), loader(8)]) == 8


@pytest.mark.parametrize("batch", [3, [1, 2, 3], {"b": 1}])
def test_a_batch_of_another_structure_stays_whole(batch):
    assert split(batch, loader_tree({"a": range(3)})) == [batch]
