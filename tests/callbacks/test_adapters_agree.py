"""The same model, data and seed in Lightning, transformers, Fabric and a plain loop: the same N, tokens, FLOPs and points."""

import warnings

import pytest
import torch

pytest.importorskip("transformers")
import language_model as lm

EPOCHS, ACCUMULATED = 3, 2


def batches(rows=None):
    return torch.utils.data.DataLoader(rows or lm.Rows(), lm.BATCH)


def steps(loader):
    """Each batch, and whether an optimiser step follows it."""
    return ((batch, (index + 1) % ACCUMULATED == 0 or index + 1 == len(loader)) for index, batch in enumerate(loader))


def in_lightning(folder, rule):
    from lightning.pytorch import LightningModule, Trainer

    from lightning_scaling.callbacks import ScalingLawMonitor

    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.model = lm.model()

        def training_step(self, batch, index):
            return self.model(**batch).loss

        def validation_step(self, batch, index):
            self.log("val_loss", self.model(**batch).loss)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    quiet = {
        "accelerator": "cpu",
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
    }
    monitor = ScalingLawMonitor(flops=rule, summary=False)
    trainer = Trainer(max_epochs=EPOCHS, accumulate_grad_batches=ACCUMULATED, callbacks=[monitor], default_root_dir=folder, **quiet)
    trainer.fit(Module(), batches(), batches(lm.Rows(4, seed=1)))
    return monitor.record


def in_transformers(folder, rule):
    from lightning_scaling.callbacks.transformers import ScalingLawCallback

    callback = ScalingLawCallback(flops=rule, summary=False)
    options = {"num_train_epochs": EPOCHS, "gradient_accumulation_steps": ACCUMULATED, "eval_strategy": "epoch"}
    lm.trainer(folder, [callback], **options).train()
    return callback.record


def in_fabric(folder, rule):
    from lightning.fabric import Fabric

    from lightning_scaling.callbacks.fabric import ScalingLawFabricCallback

    callback = ScalingLawFabricCallback(flops=rule, summary=False)
    fabric = Fabric(accelerator="cpu", devices=1, callbacks=[callback])
    bare = lm.model()
    model, optimizer = fabric.setup(bare, torch.optim.SGD(bare.parameters(), 0.1))
    loader = fabric.setup_dataloaders(batches())
    fabric.call("on_train_start", model=model, optimizer=optimizer)
    for _ in range(EPOCHS):
        for batch, due in steps(loader):
            fabric.call("on_train_batch_start", batch)
            fabric.backward(model(**batch).loss)
            if due:
                fabric.call("on_before_optimizer_step", optimizer)
                optimizer.step()
            fabric.call("on_train_batch_end")
        fabric.call("on_validation_end", loss=2.0)
    fabric.call("on_train_end")
    return callback.record


def in_a_plain_loop(folder, rule):
    from lightning_scaling.monitor.run_monitor import RunMonitor

    model = lm.model()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with RunMonitor(model=model, flops=rule, summary=False) as run:
        for _ in range(EPOCHS):
            for batch, due in steps(batches()):
                if not run.counting.settled:
                    run.start(batch)
                run.begin_batch(batch)
                model(**batch).loss.backward()
                if due:
                    run.optimizer_step(0.1)
                    optimizer.step()
                run.end_batch()
            run.validated(2.0)
    return run.record


def counts(record):
    found = {"params": record.params, "rule": record.conventions.flops, "tokens": record.tokens_trained, "flops": record.flops_spent}
    return found | {"points": record.curve.tokens.tolist(), "steps": record.curve.step.tolist(), "at": record.flops.tolist()}


@pytest.mark.parametrize("rule", ["6N", pytest.param("6N+attention", marks=pytest.mark.slow), "measured"])
def test_the_four_adapters_count_the_same(rule, tmp_path):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"transformers\.|accelerate\.|torch\.")
        found = [counts(train(tmp_path, rule)) for train in (in_lightning, in_transformers, in_fabric, in_a_plain_loop)]
    assert found[0]["tokens"] == EPOCHS * lm.ROWS * lm.LENGTH
    assert found[0]["steps"] == [3, 6, 9]
    assert all(each == found[0] for each in found), found
