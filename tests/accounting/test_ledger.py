"""Whatever happens to a run, its ledger holds what a straight run would have counted."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lightning_scaling.accounting.ledger import BITS, PER_COUNT, Ledger, from_limbs, to_limbs

# A micro-batch: its tokens and what one of them costs; the largest are of runs that no 64-bit number holds.
batches = st.lists(st.tuples(st.integers(0, 2**26), st.integers(0, 10**14)), max_size=6)
segments = st.lists(st.tuples(st.integers(1, 4), st.lists(batches, min_size=1, max_size=4), batches), min_size=1, max_size=4)


def sync(ranks):
    """What the strategy does: sum the ranks' parts in int64 and give every rank the sum."""
    summed = torch.tensor([ledger.delta() for ledger in ranks], dtype=torch.int64).sum(dim=0).tolist()
    for ledger in ranks:
        ledger.sync(summed)


def train(ranks, micro_batches, again):
    """Micro-batches dealt to the ranks in turn; what the hardware does beyond the model is `again` of each."""
    for number, (tokens, cost) in enumerate(micro_batches):
        ranks[number % len(ranks)].add(tokens, tokens * cost, tokens * cost + again)


@settings(deadline=None, max_examples=300)
@given(segments, st.integers(0, 1000))
def test_checkpoints_crashes_and_resumes_count_as_a_straight_run(run, again):
    straight, saved = Ledger(), None
    for world, spans, lost in run:
        ranks = [Ledger() for _ in range(world)]
        for ledger in ranks:
            if saved is not None:
                ledger.load_state_dict(saved)
        for span in spans:
            train(ranks, span, again)
            train([straight], span, again)
            sync(ranks)
            saved = json.loads(json.dumps(ranks[0].state_dict()))
        train(ranks, lost, again)  # trained after the last checkpoint, then the process dies
    assert all(saved[name] == straight.state_dict()[name] for name in ("tokens", "flops", "hardware_flops"))


@settings(deadline=None)
@given(st.lists(batches, min_size=1, max_size=4), st.integers(1, 5))
def test_all_ranks_hold_the_same_total_after_a_sync(spans, world):
    ranks = [Ledger() for _ in range(world)]
    for span in spans:
        train(ranks, span, 0)
        sync(ranks)
    assert len({(ledger.tokens, ledger.flops) for ledger in ranks}) == 1
    assert ranks[0].tokens == sum(tokens for span in spans for tokens, _ in span)


@settings(deadline=None)
@given(batches, st.integers(0, 5))
def test_syncing_often_or_twice_counts_once(span, every):
    ledger, once = Ledger(), Ledger()
    for number, (tokens, cost) in enumerate(span):
        ledger.add(tokens, tokens * cost)
        once.add(tokens, tokens * cost)
        if every and number % every == 0:
            ledger.sync()
            ledger.sync(ledger.delta())
    assert (ledger.tokens, ledger.flops) == (once.tokens, once.flops)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 10**30), min_size=3, max_size=3), min_size=1, max_size=64))
def test_limbs_sum_exactly_in_64_bits(counts):
    summed = torch.tensor([to_limbs(rank) for rank in counts], dtype=torch.int64).sum(dim=0).tolist()
    assert from_limbs(summed) == [sum(column) for column in zip(*counts, strict=True)]
    assert all(limb < 2**BITS for rank in counts for limb in to_limbs(rank))


def test_limbs_survive_a_reduction_in_float64():
    counts = [[3 * 10**25 + n, 7] for n in range(100)]
    summed = torch.tensor([to_limbs(rank) for rank in counts], dtype=torch.float64).sum(dim=0).tolist()
    assert from_limbs(summed) == [sum(column) for column in zip(*counts, strict=True)]


def test_limbs_of_another_length_are_refused():
    with pytest.raises(ValueError, match=f"groups of {PER_COUNT}"):
        from_limbs([1, 2])


def test_counts_stay_exact_where_floats_do_not():
    ledger = Ledger()
    ledger.add(2**53, 10**25)
    ledger.add(1, 1)
    ledger.sync()
    assert (ledger.tokens, ledger.flops) == (2**53 + 1, 10**25 + 1)


def test_hardware_flops_are_model_flops_unless_stated():
    ledger = Ledger()
    ledger.add(1, 60)
    ledger.add(1, 60, 80)
    assert (ledger.flops, ledger.hardware_flops) == (120, 140)


def test_a_state_saved_without_a_sync_states_what_is_this_ranks_own():
    ledger = Ledger()
    ledger.add(100, 600)
    ledger.sync()
    ledger.add(5, 30)
    state = ledger.state_dict()
    assert ledger.unsynced
    assert (state["tokens"], state["unsynced"]["tokens"]) == (105, 5)


def test_loading_replaces_what_this_process_counted():
    ledger, other = Ledger(), Ledger()
    other.add(10, 60)
    ledger.add(999, 999)
    ledger.load_state_dict(other.state_dict())
    assert (ledger.tokens, ledger.flops, ledger.unsynced) == (10, 60, False)


def test_a_state_passes_through_a_checkpoint_read_safely(tmp_path):
    ledger = Ledger()
    ledger.add(10**12, 10**25)
    torch.save(ledger.state_dict(), tmp_path / "kept.ckpt")
    assert torch.load(tmp_path / "kept.ckpt", weights_only=True) == ledger.state_dict()


@pytest.mark.parametrize("state", [{}, {"version": 2}, None, {"version": "1"}])
def test_a_foreign_state_is_refused(state):
    with pytest.raises(ValueError, match="not a ledger of version"):
        Ledger().load_state_dict(state)
