"""A training whose store and spool share a full disk ends as if it had none, and warns once."""

import logging

import pytest

from lightning_scaling import RunState
from lightning_scaling.callbacks import ScalingLawMonitor


def test_a_training_on_a_full_disk_ends_normally_and_says_what_was_not_stored(
    training, small_disk, new_store, monkeypatch, caplog, tmp_path
):
    caplog.set_level(logging.WARNING, "lightning_scaling.store")
    store = new_store(small_disk)
    monkeypatch.chdir(small_disk)
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(b"x" * (2 << 20))
    monitor = ScalingLawMonitor(store=store, summary=False)
    training.trainer(tmp_path, monitor, max_epochs=3).fit(training.model_class()(), training.loader(), training.loader(8, seed=1))
    assert monitor.record.state is RunState.FINISHED
    assert monitor.record.tokens_trained == 3 * 20 * training.LENGTH
    printed = [r.getMessage() for r in caplog.records if r.name == "lightning_scaling.store"]
    assert sum("are lost" in sentence or "they lie in" in sentence for sentence in printed) == 1
