"""What the monitor does in a training step: nothing that waits for a device."""

from itertools import pairwise

import torch
from torch.profiler import ProfilerActivity, profile

from lightning_scaling.callbacks import ScalingLawMonitor

SYNCHRONISING = {"aten::item", "aten::_local_scalar_dense", "cudaStreamSynchronize", "cudaDeviceSynchronize"}


def test_a_hundred_steps_read_no_value_from_a_tensor(training, tmp_path):
    """The hooks of each step are called under the profiler, apart from the trainer's own reading of tensors."""
    from lightning.pytorch import Callback

    monitor = ScalingLawMonitor(summary=False)
    profiler = profile(activities=[ProfilerActivity.CPU])
    steps = 0

    class Profiled(Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, batch_idx):
            nonlocal steps
            steps += 1
            with profiler:
                _step(monitor, trainer, module, outputs, batch, batch_idx)

    def _step(monitor, trainer, module, outputs, batch, batch_idx):
        monitor.on_train_batch_start(trainer, module, batch, batch_idx)
        monitor.on_before_optimizer_step(trainer, module, trainer.optimizers[0])
        monitor.on_train_batch_end(trainer, module, outputs, batch, batch_idx)
        _ = torch.ones(1) + 1  # something must be seen, or the profiler would prove nothing

    trainer = training.trainer(tmp_path, [monitor, Profiled()], max_epochs=20)
    trainer.fit(training.model_class()(), training.loader(), training.loader(4))
    names = {event.key for event in profiler.key_averages()}
    assert steps == 100
    assert "aten::add" in names
    assert not names & SYNCHRONISING


def test_without_validation_only_the_points_read_values_from_tensors(training, tmp_path):
    """A point of the training loss is a reading of it; from the fiftieth step on they come ever more rarely, at 2 % of growth."""

    class Profiled(ScalingLawMonitor):
        reading, growing, steps = [], [], 0

        def on_train_batch_end(self, *given):
            before = len(self.curve or ())
            with profile(activities=[ProfilerActivity.CPU]) as profiler:
                super().on_train_batch_end(*given)
                _ = torch.ones(1) + 1  # as above
            names = {event.key for event in profiler.key_averages()}
            assert "aten::add" in names
            self.steps += 1
            self.reading += [self.steps] * bool(names & SYNCHRONISING)
            self.growing += [self.steps] * (len(self.curve or ()) > before)

    monitor = Profiled(summary=False)
    training.trainer(tmp_path, monitor, max_epochs=40).fit(training.model_class()(), training.loader())
    assert monitor.steps == 200
    assert monitor.reading == monitor.growing
    late = [step for step in monitor.reading if step >= 100]
    assert 0 < len(late) < 50
    assert all(after >= 1.02 * before for before, after in pairwise(late))


def test_a_subclass_may_extend_the_hooks_of_a_step(training, tmp_path):
    class Extended(ScalingLawMonitor):
        batches = steps = 0

        def on_before_optimizer_step(self, *given):
            super().on_before_optimizer_step(*given)
            self.steps += 1

        def on_train_batch_end(self, *given):
            super().on_train_batch_end(*given)
            self.batches += 1

    monitor = Extended(summary=False)
    training.trainer(tmp_path, monitor, max_epochs=2).fit(training.model_class()(), training.loader(), training.loader(4))
    assert (monitor.batches, monitor.steps) == (10, 10)
    assert monitor.record.tokens_trained == 2 * 20 * training.LENGTH
    assert monitor.curve.step[-1] == 10
