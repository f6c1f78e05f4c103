"""Examples are counted where tokens are not: rows, images in a list, graphs."""

import pytest
import torch

from lightning_scaling.accounting import TokenCountError, count_tokens

geometric = pytest.importorskip("torch_geometric.data")


def graphs(count, nodes=10):
    made = [geometric.Data(x=torch.zeros(nodes, 8), edge_index=torch.zeros(2, 20, dtype=torch.long)) for _ in range(count)]
    return geometric.Batch.from_data_list(made)


def test_graphs_are_asked_about_and_then_counted():
    batch = graphs(4)
    with pytest.raises(TokenCountError, match=r"of 4 graphs with 40 nodes.*tokens='samples' to count graphs.*batch\.num_nodes"):
        count_tokens(batch)
    assert count_tokens(batch, "samples") == 4
    assert count_tokens(batch, lambda each: each.num_nodes) == 40


def test_one_graph_is_one_example():
    assert count_tokens(geometric.Data(x=torch.zeros(10, 8), edge_index=torch.zeros(2, 20, dtype=torch.long)), "samples") == 1


def test_images_of_their_own_sizes_are_counted_as_such():
    images = tuple(torch.zeros(3, side, side) for side in (8, 9, 10, 11))
    targets = tuple({"boxes": torch.zeros(2, 4)} for _ in images)
    assert count_tokens((images, targets), "samples") == 4


def test_a_first_entry_without_rows_is_passed_over():
    assert count_tokens({"weight": torch.tensor(1.0), "names": ["a", "b"], "image": torch.zeros(6, 3, 8, 8)}, "samples") == 6
