"""Tokens of a batch equal a count by hand, or one clear error states what was seen."""

from collections import OrderedDict, UserDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
import torch

from lightning_scaling.accounting import TokenCountError, count_tokens, explain, sequence_length

IDS = torch.zeros(4, 16, dtype=torch.long)
IMAGES, CLASSES = torch.zeros(8, 3, 32, 32), torch.zeros(8, dtype=torch.long)
Pair = namedtuple("Pair", ["x", "y"])


@dataclass
class Sample:
    input_ids: torch.Tensor
    labels: torch.Tensor


KNOWN = {
    "ids": (IDS, 64),
    "ids of 8 bits": (IDS.to(torch.uint8), 64),
    "numpy ids": (np.zeros((4, 16), dtype=np.uint16), 64),
    "ids on meta": (IDS.to("meta"), 64),
    "(x, y) of equal shape once": ((IDS, IDS), 64),
    "[x, y]": ([IDS, IDS], 64),
    "(x, class)": ((IDS, IDS[:, 0]), 64),
    "input_ids and labels": ({"input_ids": IDS, "labels": IDS, "attention_mask": IDS}, 64),
    "labels before input_ids": ({"labels": IDS[:, :3], "input_ids": IDS}, 64),
    "labels beside embeddings": ({"inputs_embeds": torch.zeros(4, 16, 8), "labels": IDS}, 64),
    "packed input_ids": ({"input_ids": IDS.flatten(), "cu_seqlens": CLASSES}, 64),
    "choices": ({"input_ids": torch.zeros(4, 5, 16, dtype=torch.long)}, 320),
    "UserDict": (UserDict(input_ids=IDS), 64),
    "OrderedDict": (OrderedDict(input_ids=IDS), 64),
    "named tuple": (Pair(IDS, IDS), 64),
    "dataclass": (Sample(IDS, IDS), 64),
    "dict in a tuple": (({"input_ids": IDS}, "meta"), 64),
    "tuple in a dict": ({"batch": (IDS, IDS), "index": 3}, 64),
    "unknown name": ({"sequence": IDS}, 64),
    "two loaders": ([(IDS, IDS), (IDS[:2], IDS[:2])], 96),
    "two named loaders": ({"wiki": {"input_ids": IDS}, "code": {"input_ids": IDS[:1]}}, 80),
    "empty": (IDS[:0], 0),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_tokens_of_known_batches_are_counted(kind):
    batch, expected = KNOWN[kind]
    counted = count_tokens(batch)
    assert counted == expected
    assert type(counted) is int


UNKNOWN = {
    "images": (IMAGES, CLASSES),
    "images of 8 bits": IMAGES.to(torch.uint8),
    "floats": torch.zeros(4, 16),
    "speech to text": (torch.zeros(4, 80, 300), IDS),
    "one row": IDS[0],
    "a mask": IDS > 0,
    "text": ["a b c", "d"],
    "nothing": [],
    "a number": 3,
    "two loaders, one unknown": [(IDS, IDS), (IMAGES, CLASSES)],
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_a_batch_that_is_not_known_is_asked_about(kind):
    with pytest.raises(TokenCountError, match=r"tokens=callable\(batch\) -> int, or tokens='samples'"):
        count_tokens(UNKNOWN[kind])


def test_the_error_states_what_was_seen():
    with pytest.raises(TokenCountError, match=r"list of \[float32 of shape \(8, 3, 32, 32\), int64 of shape \(8,\)\]"):
        count_tokens([IMAGES, CLASSES])


def test_a_huge_batch_is_described_in_one_short_line():
    text = explain({f"field {n}": [IDS] * 50 for n in range(100)})
    assert len(text) < 3000
    assert "\n" not in text
    assert "94 more" in text


def test_examples_are_counted_where_asked():
    assert count_tokens((IMAGES, CLASSES), tokens="samples") == 8
    assert count_tokens({"image": IMAGES, "meta": {"id": "x"}}, tokens="samples") == 8
    assert count_tokens({"index": torch.tensor(3), "image": IMAGES}, tokens="samples") == 8


@pytest.mark.parametrize("batch", [torch.tensor(3), {"a": "text"}, []])
def test_examples_of_nothing_are_asked_about(batch):
    with pytest.raises(TokenCountError):
        count_tokens(batch, tokens="samples")


def test_a_callable_decides():
    assert count_tokens((IMAGES, CLASSES), tokens=lambda batch: batch[0].shape[0] * 64) == 512
    assert count_tokens(IDS, tokens=lambda batch: np.int64(7)) == 7


@pytest.mark.parametrize("answer", [1.5, -1, None, "12", torch.tensor(3)])
def test_a_callable_must_return_a_count(answer):
    with pytest.raises(TokenCountError, match="Python int"):
        count_tokens(IDS, tokens=lambda batch: answer)


def test_an_unknown_word_for_tokens_is_refused():
    with pytest.raises(TokenCountError, match="'samples' or the tokens of a batch as an int, got 'words'"):
        count_tokens(IDS, tokens="words")


def test_packed_and_jagged_sequences_count_their_tokens():
    rows = [torch.zeros(5, 8), torch.zeros(3, 8)]
    assert count_tokens(torch.nn.utils.rnn.pack_sequence(rows)) == 8
    ids = torch.nested.nested_tensor([torch.zeros(5, dtype=torch.long), torch.zeros(3, dtype=torch.long)], layout=torch.jagged)
    assert count_tokens(ids) == count_tokens({"input_ids": ids}) == 8


def test_the_mask_leaves_padding_out():
    mask = torch.ones_like(IDS)
    mask[0, 10:] = 0
    assert count_tokens({"input_ids": IDS, "attention_mask": mask}, mask=True) == 58
    assert count_tokens(({"input_ids": IDS, "attention_mask": mask.bool()}, 0), mask=True) == 58
    assert count_tokens({"input_ids": IDS, "labels": torch.where(mask > 0, IDS, -100)}, mask=True) == 58


def test_a_mask_of_pairs_is_no_mask_of_tokens():
    with pytest.raises(TokenCountError, match="attention_mask"):
        count_tokens({"input_ids": IDS, "attention_mask": torch.ones(4, 1, 16, 16)}, mask=True)


def test_a_missing_mask_is_reported():
    with pytest.raises(TokenCountError, match="mask=True needs attention_mask"):
        count_tokens(IDS, mask=True)


def test_values_are_not_touched_without_a_mask():
    class Untouchable(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if "__get__" in getattr(func, "__name__", "") or func.__name__ in ("size", "dim"):
                return super().__torch_function__(func, types, args, kwargs or {})
            raise AssertionError(f"{func} was called")

    assert count_tokens({"input_ids": IDS.as_subclass(Untouchable)}) == 64


@pytest.mark.parametrize(("batch", "length"), [(IDS, 16), ((IDS, IDS), 16), ((IMAGES, CLASSES), None), ([(IDS, 0), (IDS[:, :8], 0)], 13)])
def test_the_length_of_sequences_is_read(batch, length):
    assert sequence_length(batch) == length
