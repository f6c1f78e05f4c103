"""Batches: every window once a pass, the same order for the same seed, and a resumed loader continues where it was."""

import torch

from lightning_scaling.ladder.windows import TrainingWindows, validation_batches

TEXT = bytes(i % 251 for i in range(8 * 40 + 1))


def loader(steps=10, seed=0):
    return TrainingWindows(TEXT, context=8, windows=4, steps=steps, seed=seed)


def rows(batches):
    return [tuple(row.tolist()) for tokens, _ in batches for row in tokens]


def test_one_pass_shows_every_window_once():
    seen = rows(loader(steps=10))
    assert len(seen) == len(set(seen)) == 40


def test_the_second_pass_comes_in_another_order():
    seen = rows(loader(steps=20))
    assert sorted(seen[:40]) == sorted(seen[40:])
    assert seen[:40] != seen[40:]


def test_every_byte_is_followed_by_the_next():
    for tokens, following in loader():
        assert torch.equal(tokens[:, 1:], following[:, :-1])


def test_the_same_seed_gives_the_same_batches():
    assert rows(loader(seed=3)) == rows(loader(seed=3))
    assert rows(loader(seed=3)) != rows(loader(seed=4))


def test_a_loader_goes_on_where_its_state_says():
    straight, first = rows(loader()), loader()
    begun = [batch for _, batch in zip(range(6), first, strict=False)]
    again = loader()
    again.load_state_dict(first.state_dict())
    assert rows(begun) + rows(again) == straight


def test_validation_windows_are_the_same_every_time_and_span_the_text():
    batches = list(validation_batches(TEXT, context=8, windows=5, rows=2))
    assert [len(tokens) for tokens, _ in batches] == [2, 2, 1]
    assert batches[0][0][0].tolist() == list(TEXT[:8])
    assert batches[-1][1][-1].tolist() == list(TEXT[-8:])
