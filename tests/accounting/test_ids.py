"""Ids are found wherever a collator puts them, and nothing else is taken for ids."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch

from lightning_scaling.accounting import TokenCountError, count_tokens, sequence_length

IDS = torch.zeros(4, 16, dtype=torch.long)
HALF = IDS[:, :8]
ROWS = [torch.zeros(5, dtype=torch.long), torch.zeros(3, dtype=torch.long)]


@dataclass(slots=True)
class Slotted:
    past: torch.Tensor
    input_ids: torch.Tensor


@dataclass
class Parent:
    __slots__ = ("tokens",)
    tokens: torch.Tensor


class Plain:
    """A batch class with a pin_memory of its own, no dataclass."""

    def __init__(self, src):
        self.src, self.trg = src, src


COUNTED = {
    "slotted dataclass": (Slotted(torch.zeros(4, 3), IDS), 64),
    "slotted dataclass beside names of files": ({"files": ["a", "b"], "batch": Slotted(torch.zeros(4, 3), IDS)}, 64),
    "dataclass with slots of its own": (Parent(IDS), 64),
    "object": (Plain(IDS), 64),
    "namespace": (SimpleNamespace(input_ids=IDS), 64),
    "preference pair": ({"chosen_input_ids": IDS, "rejected_input_ids": HALF}, 96),
    "preference pair, names turned": ({"input_ids_chosen": IDS, "input_ids_rejected": HALF, "margin": torch.zeros(4)}, 96),
    "preference pair of bare ids": ({"chosen": IDS, "rejected": HALF}, 96),
    "preference pair of dicts": ({"chosen": {"input_ids": IDS}, "rejected": {"input_ids": HALF}}, 96),
    "preference pair beside a margin": ({"chosen": {"input_ids": IDS}, "rejected": {"input_ids": HALF}, "margin": torch.zeros(4)}, 96),
    "answers without their prompt": ({"prompt_input_ids": HALF, "chosen_input_ids": IDS, "rejected_input_ids": IDS}, 2 * 64 + 2 * 32),
    "answers that hold their prompt": (
        {"prompt_input_ids": HALF, "chosen_input_ids": IDS, "rejected_input_ids": IDS, "chosen_labels": IDS, "rejected_labels": IDS},
        2 * 64,
    ),
    "query and passage": ({"query_input_ids": HALF, "passage_input_ids": IDS, "label": torch.zeros(4)}, 96),
    "decoder's ids are not fed twice": ({"input_ids": IDS, "decoder_input_ids": HALF}, 64),
    "labels beside embeddings": ({"inputs_embeds": torch.zeros(4, 16, 8), "labels": IDS}, 64),
    "an unknown name beside a mask": ({"sequence": IDS, "padding_mask": IDS}, 64),
}


@pytest.mark.parametrize("kind", COUNTED)
def test_ids_are_found(kind):
    batch, expected = COUNTED[kind]
    assert count_tokens(batch) == expected


NOT_IDS = {
    "several labels beside images": {"image": torch.zeros(4, 3, 32, 32), "labels": IDS},
    "labels before images": {"labels": IDS, "image": torch.zeros(4, 3, 32, 32)},
    "targets beside a spectrogram": {"input_features": torch.zeros(4, 80, 300), "labels": IDS},
    "classes per pixel": {"x": torch.zeros(4, 3, 32, 32), "y": torch.zeros(4, 16, dtype=torch.long)},
    "categories beside features": {"features": torch.zeros(4, 8), "categories": IDS},
    "two unknown names": {"first": IDS, "second": IDS},
    "labels in a slotted dataclass": Slotted(torch.zeros(4, 3), torch.zeros(4, 8)),
}


@pytest.mark.parametrize("kind", NOT_IDS)
def test_what_is_no_ids_is_asked_about_with_an_argument_that_works(kind):
    batch = NOT_IDS[kind]
    with pytest.raises(TokenCountError, match="tokens='samples'"):
        count_tokens(batch)
    assert count_tokens(batch, "samples") == 4
    assert count_tokens(batch, lambda each: 7) == count_tokens(batch, 7) == 7


@pytest.mark.parametrize("layout", [torch.strided, torch.jagged])
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
def test_nested_tensors_count_their_values(layout):
    ids = torch.nested.nested_tensor(ROWS, layout=layout)
    assert count_tokens(ids) == count_tokens({"input_ids": ids}) == count_tokens((ids, ids)) == 8
    assert sequence_length(ids) == 4
    assert count_tokens(ids, "samples") == 2


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
def test_nested_floats_are_described():
    nested = torch.nested.nested_tensor([torch.zeros(5, 3), torch.zeros(2, 3)])
    with pytest.raises(TokenCountError, match="nested float32 of 2 rows and 21 values"):
        count_tokens(nested)


@pytest.mark.parametrize("batch", [None, iter([IDS])])
def test_a_step_that_fetches_its_batches_is_asked_for_a_number(batch):
    with pytest.raises(TokenCountError, match=r"dataloader_iter\). Give tokens=<int>"):
        count_tokens(batch)
    assert count_tokens(batch, 512) == count_tokens(batch, lambda _: 512) == 512


@pytest.mark.parametrize("tokens", [-1, 1.5, True, torch.tensor(3)])
def test_a_number_of_tokens_is_a_count(tokens):
    with pytest.raises(TokenCountError, match="tokens"):
        count_tokens(IDS, tokens)


def test_lengths_of_several_batches_are_averaged_by_their_tokens():
    # Attention costs tokens × length: 64 × 16 + 32 × 8 = 96 × 13.33.
    assert sequence_length({"chosen_input_ids": IDS, "rejected_input_ids": HALF}) == 13
