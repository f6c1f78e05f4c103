"""What a configuration beside a log adds, and what it may never do."""

import pytest
from importers_truth import HEADER, ROWS, STEPS, same_losses

from lightning_scaling.importers.config_beside import facts_beside

TEXT = [HEADER, *ROWS]


@pytest.mark.parametrize(
    ("name", "text", "per_step"),
    [
        ("config.json", '{"train": {"global_batch_size": 64}, "model": {"seq_length": 2048}}', 131072),
        ("hparams.yaml", "batch_size: 4\nblock_size: 1024\naccumulate_grad_batches: 8\ndevices: 2\n", 65536),
        ("config.yaml", "wandb_version: 1\nbatch_size:\n  value: 16\nmax_seq_len:\n  value: 512\n", 8192),
        ("args.json", '{"tokens_per_iter": 524288}', 524288),
    ],
)
def test_tokens_of_a_step(file, name, text, per_step):
    file(name, text)
    reading = same_losses(file("run.csv", TEXT), STEPS * float(per_step))
    assert any(name in remark for remark in reading.remarks)


def test_the_user_s_word_counts_more(file):
    file("config.json", '{"tokens_per_step": 4096}')
    same_losses(file("run.csv", TEXT), STEPS * 100.0, tokens_per_step=100)


@pytest.mark.parametrize(
    "text",
    [
        "batch_size: !!python/object/apply:os.system ['touch opened']\nblock_size: 8\n",
        "a: &a [x, x]\nb: &b [*a, *a]\nbatch_size: [*b, *b]\n",
        "{[}",
        "[" * 3000,
    ],
)
def test_hostile_yaml_constructs_nothing_and_stops_nothing(file, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    file("hparams.yaml", text)
    same_losses(file("run.csv", TEXT))
    assert not (tmp_path / "opened").exists()


def test_a_link_beside_a_log_is_not_read(file, tmp_path):
    file("secret.json", '{"tokens_per_step": 4096}')
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").symlink_to(tmp_path / "secret.json")
    assert facts_beside(tmp_path / "run") == ({}, [])
