"""A meter counts batches into a ledger, without ever waiting for a device or raising in a step."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.profiler import ProfilerActivity, profile

from lightning_scaling.accounting import Ledger, Meter, flops_rule

IDS = torch.zeros(4, 16, dtype=torch.long)
RULE = flops_rule("6N", None, params=1000)


def see(meter, batch):
    """A batch from the start of its step to the end."""
    meter.begin(batch)
    meter.confirm()


class Elsewhere:
    """A sum that lies on an accelerator: adding is free, reading is noted."""

    device = "cuda:0"
    reads = 0

    def __init__(self, value):
        self.value = value

    def __add__(self, other):
        return Elsewhere(self.value + other.value)

    def __int__(self):
        Elsewhere.reads += 1
        return self.value


class Mask:
    """A mask on an accelerator, of the shape of IDS, that keeps `kept` tokens."""

    shape, dtype = IDS.shape, IDS.dtype

    def __init__(self, kept):
        self.kept = kept

    def __ne__(self, other):
        return self

    __hash__ = None

    def sum(self):
        return Elsewhere(self.kept)


def test_a_fit_with_uneven_batches_equals_a_count_by_hand():
    ledger = Ledger()
    meter = Meter(RULE, ledger)
    for rows in (4, 4, 4, 1):
        see(meter, (IDS[:rows], IDS[:rows]))
    meter.settle()
    assert (ledger.tokens, ledger.flops) == (13 * 16, 6 * 1000 * 13 * 16)


def test_a_strange_batch_is_noted_and_never_raises():
    ledger = Ledger()
    meter = Meter(RULE, ledger)
    see(meter, IDS)
    see(meter, object())
    meter.settle()
    assert (ledger.tokens, meter.uncounted) == (64, 1)


@pytest.mark.parametrize("broken", [lambda batch: 1 / 0, lambda batch: "many"])
def test_a_broken_callable_never_raises(broken):
    meter = Meter(RULE, Ledger(), tokens=broken)
    see(meter, IDS)
    assert meter.uncounted == 1


def test_masked_tokens_on_an_accelerator_are_read_once_when_settled():
    Elsewhere.reads = 0
    ledger = Ledger()
    meter = Meter(RULE, ledger, mask=True)
    for kept in (10, 20, 30):
        see(meter, {"input_ids": IDS, "attention_mask": Mask(kept)})
    assert (ledger.tokens, Elsewhere.reads) == (0, 0)
    meter.settle()
    meter.settle()
    assert (ledger.tokens, ledger.flops, Elsewhere.reads) == (60, 6000 * 60, 1)


def test_masked_tokens_cost_by_the_length_of_their_batch():
    with torch.device("meta"):
        module = torch.nn.Sequential(torch.nn.TransformerEncoderLayer(8, 2, 32))
    rule, ledger = flops_rule("6N+attention", module, params=1), Ledger()
    meter = Meter(rule, ledger, mask=True)
    see(meter, {"input_ids": IDS, "attention_mask": Mask(10)})
    see(meter, {"input_ids": IDS[:, :8], "attention_mask": torch.ones(4, 8)})
    meter.settle()
    assert rule.name == "6N+attention"
    assert ledger.flops == rule.flops(10, 16) + rule.flops(32, 8)


def test_a_mask_on_the_host_is_counted_at_once():
    ledger = Ledger()
    see(Meter(RULE, ledger, mask=True), {"input_ids": IDS, "attention_mask": torch.ones(4, 16)})
    assert ledger.tokens == 64


def test_a_step_runs_no_operation_on_tensors():
    meter = Meter(RULE, Ledger())
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(100):
            see(meter, {"input_ids": IDS, "labels": IDS})
    assert [event.name for event in profiler.events() if event.name.startswith("aten::")] == []


def test_the_flops_of_a_callable_are_those_of_the_batch():
    ledger = Ledger()
    meter = Meter(flops_rule(lambda batch: batch.shape[0] * 1000, None, params=1), ledger)
    see(meter, IDS)
    assert (ledger.tokens, ledger.flops) == (64, 4000)


KINDS = {
    "pair": lambda rows, length: (torch.zeros(rows, length, dtype=torch.long),) * 2,
    "list": lambda rows, length: [torch.zeros(rows, length, dtype=torch.long)] * 2,
    "dict": lambda rows, length: {"input_ids": torch.zeros(rows, length, dtype=torch.long)},
    "tensor": lambda rows, length: torch.zeros(rows, length, dtype=torch.int32),
    "floats": lambda rows, length: (torch.zeros(rows, length),),
    "packed": lambda rows, length: {"input_ids": torch.zeros(rows * length, dtype=torch.long)},
}
batches = st.tuples(st.sampled_from(sorted(KINDS)), st.integers(1, 3), st.integers(1, 3)) | st.just("settle")


@settings(deadline=None, max_examples=200)
@given(batches.filter(lambda b: b != "settle"), st.lists(batches, max_size=30))
def test_any_mix_of_batches_settled_at_any_time_counts_as_each_by_itself(first, mixed):
    ledger, expected, uncounted = Ledger(), 0, 0
    meter = Meter(RULE, ledger, first=KINDS[first[0]](*first[1:]))
    for each in [first, *mixed]:
        if each == "settle":
            meter.settle()
            continue
        kind, rows, length = each
        see(meter, KINDS[kind](rows, length))
        expected, uncounted = (expected, uncounted + 1) if kind == "floats" else (expected + rows * length, uncounted)
    meter.settle()
    assert (ledger.tokens, ledger.flops, meter.uncounted) == (expected, 6000 * expected, uncounted)
    assert meter.batches == 1 + sum(each != "settle" for each in mixed)


def counted(ledger, meter):
    meter.settle()
    return ledger.tokens, ledger.flops


def test_a_step_that_empties_its_batch_was_counted_before_it():
    ledger, batch = Ledger(), {"input_ids": IDS}
    meter = Meter(RULE, ledger, first=batch)
    meter.begin(batch)
    batch.clear()
    meter.confirm()
    assert counted(ledger, meter) == (64, 64_000 * 6)


def test_a_batch_that_is_skipped_is_not_counted():
    ledger = Ledger()
    meter = Meter(RULE, ledger)
    meter.begin(IDS)
    meter.begin(IDS[:1])
    meter.confirm()
    assert counted(ledger, meter) == (16, 16_000 * 6)


def test_a_checkpoint_after_the_step_holds_its_batch_once():
    ledger = Ledger()
    meter = Meter(RULE, ledger)
    meter.begin(IDS)
    meter.confirm()  # a checkpoint of an earlier callback confirms before it saves
    saved = counted(ledger, meter)
    meter.confirm()
    assert saved == counted(ledger, meter) == (64, 64_000 * 6)


def test_a_checkpoint_before_the_step_does_not_hold_its_batch():
    ledger = Ledger()
    meter = Meter(RULE, ledger)
    meter.begin(IDS)
    assert (meter.pending, counted(ledger, meter)) == ((64, 64_000 * 6, 64_000 * 6), (0, 0))
    meter.confirm()
    assert (meter.pending, counted(ledger, meter)) == ((0, 0, 0), (64, 64_000 * 6))


def test_a_masked_batch_is_pending_too():
    meter = Meter(RULE, Ledger(), mask=True)
    meter.begin({"input_ids": IDS, "attention_mask": Mask(10)})
    assert meter.pending.tokens == 10


def test_a_rule_counts_from_when_it_is_used():
    ledger = Ledger()
    meter = Meter(RULE, ledger)
    see(meter, IDS)
    meter.begin(IDS)
    meter.use(flops_rule("6N", None, params=2000))
    meter.confirm()
    see(meter, IDS)
    assert counted(ledger, meter) == (3 * 64, 6 * 64 * (1000 + 1000 + 2000))


@pytest.mark.parametrize("tokens", [512, lambda _: 512])
def test_batches_that_the_step_fetches_itself_count_as_given(tokens):
    ledger = Ledger()
    meter = Meter(RULE, ledger, tokens=tokens)
    for batch in (None, iter([]), iter([])):
        see(meter, batch)
    assert counted(ledger, meter) == (3 * 512, 6000 * 3 * 512)
    assert (meter.uncounted, meter.batches) == (0, 3)


class Graphs:
    """As many graphs as it is given; no shape shows how many."""

    num_nodes = num_edges = 10

    def __init__(self, graphs):
        self.num_graphs = graphs


def test_graphs_of_any_number_are_counted_each():
    ledger = Ledger()
    meter = Meter(RULE, ledger, tokens="samples")
    for graphs in (4, 4, 3):
        see(meter, Graphs(graphs))
    assert counted(ledger, meter) == (11, 66_000)


def test_batches_with_and_without_a_rejected_answer_are_kept_apart():
    ledger, alone = Ledger(), {"input_ids": IDS}
    meter = Meter(RULE, ledger)
    for batch in (alone, {"chosen_input_ids": IDS, "rejected_input_ids": IDS}, alone):
        see(meter, batch)
    assert counted(ledger, meter)[0] == 4 * 64
