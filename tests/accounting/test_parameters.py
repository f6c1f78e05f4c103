"""N by groups equals a count by hand, however the model is tied, frozen, packed or sharded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from lightning_scaling.accounting import choose, convention_name, count_parameters, model_signature

WIDTH, WORDS, LENGTH, LAYERS = 32, 256, 128, 3
TABLES = (WORDS + LENGTH) * WIDTH
HEAD = WORDS * WIDTH
# Per block: attention 4 d², feed-forward 8 d² with biases 5 d, two layer norms 4 d; and the last norm.
OTHER = LAYERS * (12 * WIDTH**2 + 9 * WIDTH) + 2 * WIDTH


def counted(module, **declared):
    """The groups that are not empty."""
    return {group: n for group, n in count_parameters(module, **declared).items() if n}


def test_an_untied_gpt_equals_the_count_by_hand(gpt):
    assert counted(gpt(tied=None)) == {"embedding": TABLES, "head": HEAD, "other": OTHER}


@pytest.mark.parametrize("tied", ["weight", "table"])
def test_a_tied_head_counts_once_as_embedding(gpt, tied):
    assert counted(gpt(tied=tied)) == {"embedding": TABLES, "other": OTHER}


def test_a_head_registered_before_its_tied_table_is_embedding():
    model = nn.ModuleDict({"head": nn.Linear(8, 50, bias=False), "table": nn.Embedding(50, 8)})
    model["head"].weight = model["table"].weight
    assert counted(model) == {"embedding": 400}


def test_a_feed_forward_as_wide_as_the_vocabulary_is_no_head(gpt):
    model = gpt(words=4 * WIDTH)
    assert counted(model)["other"] == OTHER


def test_frozen_parameters_are_apart_and_counted(gpt):
    model = gpt(tied=None)
    model.wte.requires_grad_(False)
    model.blocks[0].requires_grad_(False)
    groups = count_parameters(model)
    assert groups["frozen_embedding"] == HEAD
    assert groups["frozen_other"] == 12 * WIDTH**2 + 9 * WIDTH
    assert choose(groups, "total") == TABLES + HEAD + OTHER
    assert choose(groups, "non_embedding") == OTHER


def test_adapters_are_the_trained_part(lora):
    groups = count_parameters(lora(tied=None))
    assert groups["adapter"] == LAYERS * 4 * (4 * WIDTH + 2 * WIDTH)
    assert (groups["frozen_other"], groups["frozen_head"], groups["embedding"], groups["other"]) == (OTHER, HEAD, 0, 0)


def test_the_groups_sum_to_all_parameters(gpt, lora):
    for model in (gpt(), gpt(tied=None), lora(), nn.Transformer(16, 2, 1, 1, 32, batch_first=True)):
        assert sum(count_parameters(model).values()) == sum(p.numel() for p in model.parameters())


def test_a_head_with_padded_words_and_bias_is_found():
    model = nn.ModuleDict({"tok": nn.Embedding(1000, 8), "mlp": nn.Linear(8, 1000), "lm_head": nn.Linear(8, 1024)})
    assert counted(model) == {"embedding": 8000, "head": 9 * 1024, "other": 9000}


@pytest.mark.parametrize("name", ["pos_emb", "position_embeddings", "wpe", "pos", "positional_encoding"])
def test_bare_tables_of_positions_are_embeddings(name):
    model = nn.Linear(4, 4, bias=False)
    model.register_parameter(name, nn.Parameter(torch.zeros(10, 4)))
    assert counted(model) == {"embedding": 40, "other": 16}


@pytest.mark.parametrize("name", ["composer", "compose", "position_wise", "opposite"])
def test_other_names_are_not_taken_for_positions(name):
    assert counted(nn.ModuleDict({name: nn.Linear(4, 4, bias=False)})) == {"other": 16}


def test_what_is_not_found_can_be_declared():
    model = nn.ModuleDict({"patch": nn.Linear(4, 8, bias=False), "body": nn.Linear(8, 8, bias=False), "classes": nn.Linear(8, 10)})
    assert counted(model) == {"other": 32 + 64 + 90}
    assert counted(model, embedding=["patch"], head=["classes"]) == {"embedding": 32, "head": 90, "other": 64}


def test_a_model_without_words_is_all_other():
    assert counted(nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8, 10))) == {"other": 3 * 8 * 9 + 8 + 90}


def test_a_lazy_module_is_refused_until_it_has_seen_a_batch():
    model = nn.Sequential(nn.LazyLinear(4))
    with pytest.raises(ValueError, match=r"0\.weight has no shape before the first batch"):
        count_parameters(model)
    model(torch.zeros(2, 3))
    assert counted(model) == {"other": 16}


def test_names_are_those_of_the_user_under_a_compiler(gpt):
    compiled = torch.compile(gpt(tied=None), backend="eager")
    assert counted(compiled, head=["lm_head"]) == counted(gpt(tied=None))


def test_weights_of_four_bits_count_in_full():
    class Linear4bit(nn.Linear):
        """Two values in a byte, as quantised layers store them."""

    layer = Linear4bit(64, 32, bias=False)
    layer.weight = nn.Parameter(torch.zeros(64 * 32 // 2, 1, dtype=torch.uint8), requires_grad=False)
    assert counted(nn.Sequential(layer)) == {"frozen_other": 64 * 32}


def test_weights_kept_in_buffers_count_in_full():
    class QuantLinear(nn.Module):
        """Eight values in an int32, as weights quantised after training are kept."""

        def __init__(self):
            super().__init__()
            self.in_features, self.out_features = 64, 32
            self.register_buffer("qweight", torch.zeros(8, 32, dtype=torch.int32))

    assert counted(nn.Sequential(QuantLinear())) == {"frozen_other": 64 * 32}


def test_a_partition_of_zero_counts_in_full():
    layer = nn.Linear(8, 4, bias=False)
    layer.weight = nn.Parameter(torch.zeros(0))
    layer.weight.ds_shape = torch.Size([4, 8])
    assert counted(layer) == {"other": 32}


SHARDED = """
import sys, torch, torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.distributed.fsdp.wrap import ModuleWrapPolicy
from lightning_scaling.accounting import count_parameters

class Model(nn.Module):
    def __init__(self, tied):
        super().__init__()
        self.table, self.body = nn.Embedding(50, 8), nn.Sequential(nn.Linear(8, 24), nn.Linear(24, 8))
        self.head = nn.Linear(8, 50, bias=False)
        if tied:
            self.head.weight = self.table.weight

dist.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=int(sys.argv[1]), world_size=2)
mesh = init_device_mesh("cpu", (2,))
for tied in (False, True):
    whole = count_parameters(Model(tied))
    kinds = [fully_shard(Model(tied), mesh=mesh)]
    for original in (True, False):
        settings = dict(auto_wrap_policy=ModuleWrapPolicy({nn.Sequential}), use_orig_params=original, device_id=torch.device("cpu"))
        kinds.append(FullyShardedDataParallel(Model(tied), **settings))
    assert whole["embedding"] == 400 and whole["head"] == 400 * (not tied), whole
    assert [count_parameters(kind) for kind in kinds] == [whole] * 3, [count_parameters(kind) for kind in kinds]
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_every_rank_counts_the_whole_of_a_sharded_model(tmp_path):
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-W", "ignore", "-c", SHARDED]
    settings = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": root}
    ranks = [subprocess.Popen([*command, str(rank), str(tmp_path / "meet")], env=settings, stderr=subprocess.PIPE) for rank in range(2)]
    ends = [rank.communicate(timeout=120)[1].decode()[-2000:] for rank in ranks]
    assert [rank.returncode for rank in ranks] == [0, 0], ends


@pytest.mark.parametrize(("convention", "count"), [("total", 10), ("non_embedding", 7), (12, 12)])
def test_n_is_chosen_by_convention(convention, count):
    assert choose({"embedding": 2, "head": 1, "other": 3, "frozen_other": 4}, convention) == count


@pytest.mark.parametrize("convention", ["all", None, 1.5, True, 0, -3])
def test_an_unknown_convention_is_refused(convention):
    with pytest.raises(ValueError, match="params"):
        choose({"other": 3}, convention)


def test_a_model_of_embeddings_alone_has_no_non_embedding_n():
    with pytest.raises(ValueError, match="must be positive"):
        choose(count_parameters(nn.Embedding(5, 5)), "non_embedding")


def test_a_convention_is_stored_by_name():
    assert [convention_name(c) for c in ("total", "non_embedding", 5)] == ["total", "non_embedding", "given"]


@pytest.mark.parametrize(("convention", "count"), [("total", 21), ("non_embedding", 18), ("active", 16), ("trainable", 17)])
def test_copies_are_counted_by_no_convention(convention, count):
    groups = {"embedding": 3, "adapter": 2, "other": 7, "inactive_experts": 5, "frozen_other": 4, "copies": 1000}
    assert choose(groups, convention) == count


def freeze(model):
    model[0].requires_grad_(False)


def swap_frozen(model):
    model.requires_grad_(True)[1].requires_grad_(False)


def replace(model):
    model[0] = nn.Linear(4, 9)


def add(model):
    model.append(nn.Linear(4, 4))


def materialise(model):
    model[2](torch.zeros(1, 4))


@pytest.mark.parametrize("change", [freeze, replace, add, materialise])
def test_a_change_of_the_model_changes_its_signature(change):
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.LazyLinear(2))
    before = model_signature(model)
    change(model)
    assert model_signature(model) != before


def test_freezing_another_layer_of_the_same_size_changes_the_signature():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    freeze(model)
    before = model_signature(model)
    swap_frozen(model)
    assert model_signature(model) != before


def test_training_leaves_the_signature_alone():
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    before = model_signature(model)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    assert model_signature(model.eval()) == before
