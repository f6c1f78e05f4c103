"""Whatever a training is like, the monitor counts it to the token."""

import pytest
import torch

from lightning_scaling import RunState
from lightning_scaling.callbacks import ScalingLawMonitor
from lightning_scaling.store import load

EPOCHS, ROWS = 4, 20


@pytest.fixture
def fit(training, tmp_path):
    def fit(model=None, train=None, val=None, callbacks=(), monitor=None, **kwargs):
        monitor = monitor or ScalingLawMonitor(summary=False)
        trainer = training.trainer(tmp_path, [monitor, *callbacks], **({"max_epochs": EPOCHS} | kwargs))
        val = training.loader(8, seed=1) if val is None else val
        model = training.model_class()() if model is None else model  # a compiled one has no truth
        trainer.fit(model, *([train or training.loader(ROWS)] if train is not False else []), val or None)
        return monitor

    return fit


@pytest.fixture
def straight(training):
    return EPOCHS * ROWS * training.LENGTH


def tokens(monitor):
    return monitor.record.tokens_trained


@pytest.mark.slow
def test_a_compiled_module_is_counted_as_it_was(fit, training, straight):
    monitor = fit(torch.compile(training.model_class()(), backend="eager"))
    assert (tokens(monitor), monitor.record.params) == (straight, training.PARAMS)


@pytest.mark.parametrize("inference", [True, False])
def test_validations_with_and_without_inference_mode_are_points(fit, straight, inference):
    monitor = fit(inference_mode=inference)
    assert (tokens(monitor), len(monitor.curve)) == (straight, EPOCHS)


def test_validations_at_a_fraction_of_an_epoch_are_points(fit, training):
    monitor = fit(val_check_interval=0.4, max_epochs=1)
    assert monitor.curve.tokens.tolist() == [n * 4 * training.LENGTH for n in (2, 4)]


def test_an_accumulation_that_changes_changes_the_steps_and_not_the_tokens(fit, straight):
    from lightning.pytorch.callbacks import GradientAccumulationScheduler

    monitor = fit(callbacks=[GradientAccumulationScheduler({0: 1, 2: 5})])
    assert (tokens(monitor), monitor.curve.step[-1]) == (straight, 2 * 5 + 2 * 1)


def test_the_training_loss_is_that_of_a_batch_however_many_are_accumulated(fit, training):
    from lightning.pytorch.callbacks import GradientAccumulationScheduler

    class Constant(training.model_class()):
        def training_step(self, batch, batch_idx):
            return self.loss(batch) * 0 + 3.0

    monitor = fit(Constant(), val=[], callbacks=[GradientAccumulationScheduler({0: 1, 2: 5})], max_epochs=8)
    assert monitor.curve.loss.tolist() == pytest.approx([3.0] * len(monitor.curve))


def test_batches_that_grow_within_an_epoch_are_counted_each_by_its_size(fit, training):
    sizes = (1, 2, 4, 8, 5)

    class Ramp:
        def __len__(self):
            return len(sizes)

        def __iter__(self):
            rows = iter(range(sum(sizes)))
            return iter([[next(rows) for _ in range(size)] for size in sizes])

    data = training.loader(sum(sizes)).dataset
    monitor = fit(train=torch.utils.data.DataLoader(data, batch_sampler=Ramp()), max_epochs=3)
    assert tokens(monitor) == 3 * sum(sizes) * training.LENGTH


def test_a_batch_size_that_grows_from_epoch_to_epoch_is_counted(fit, training):
    class Growing(training.model_class()):
        def train_dataloader(self):
            return training.loader(ROWS, batch=2 + 2 * self.current_epoch)

    monitor = fit(Growing(), train=False, val=False, reload_dataloaders_every_n_epochs=1)
    assert tokens(monitor) == EPOCHS * ROWS * training.LENGTH


def test_a_time_limit_that_comes_later_than_the_epochs_plans_nothing_more(fit, straight):
    monitor = fit(max_time={"hours": 10})
    assert monitor.record.planned_tokens == straight


def test_a_time_limit_alone_is_a_plan(fit, training):
    class Enough(training.model_class()):
        def on_train_epoch_end(self):
            self.trainer.should_stop = self.current_epoch == 2

    monitor = fit(Enough(), max_epochs=-1, max_steps=-1, max_time={"hours": 10}, min_epochs=1)
    assert monitor.record.planned_tokens > 100 * tokens(monitor)


def test_lightning_cli_makes_a_monitor_from_its_arguments(training, tmp_path):
    from lightning.pytorch import LightningDataModule
    from lightning.pytorch.cli import LightningCLI

    class Data(LightningDataModule):
        def train_dataloader(self):
            return training.loader(ROWS)

        def val_dataloader(self):
            return training.loader(8, seed=1)

    quiet = {"accelerator": "cpu", "devices": 1, "logger": "false", "enable_checkpointing": "false", "enable_progress_bar": "false"}
    trainer = [f"--trainer.{name}={value}" for name, value in ({"max_epochs": 2, "enable_model_summary": "false"} | quiet).items()]
    wanted = {"family": "gpt", "flops": "6N+attention", "stop": "[STOP]", "summary": "false"}
    monitor = ["--trainer.callbacks+=lightning_scaling.callbacks.ScalingLawMonitor"]
    monitor += [f"--trainer.callbacks.{name}={value}" for name, value in wanted.items()]
    cli = LightningCLI(training.model_class(), Data, args=["fit", *trainer, *monitor], save_config_callback=None)
    (made,) = (c for c in cli.trainer.callbacks if isinstance(c, ScalingLawMonitor))
    assert (made.options.family, made.options.stop) == ("gpt", ("STOP",))
    assert tokens(made) == 2 * ROWS * training.LENGTH


@pytest.mark.slow
def test_forked_processes_leave_their_results_in_the_checkpoint_and_the_store(training, tmp_path, run_script, new_store):
    """Children of the trainer train; their callbacks die with them, and that is reported."""
    store = new_store(tmp_path)
    code, reported = run_script(
        tmp_path, "--epochs", 2, "--rows", 32, "--val-every", 2, "--strategy", "ddp_fork", "--devices", 2, "--store", store
    )
    printed = (tmp_path / "printed.txt").read_text()
    assert (code, reported) == (0, None), printed[-3000:]
    assert printed.count("read them from the store or a checkpoint") == 1
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)
    assert saved["callbacks"]["ScalingLawMonitor"]["ledger"]["tokens"] == 2 * 4 * saved["global_step"] * training.LENGTH
    (record,) = load(store, experiments=["lightning-scaling"]).records
    assert record.state is RunState.FINISHED
    assert record.tokens_trained == 2 * 32 * training.LENGTH
