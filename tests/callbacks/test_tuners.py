"""Trials are no training: what the tuners and dry runs do is not counted."""

import pytest

from lightning_scaling.callbacks import ScalingLawMonitor


@pytest.fixture
def tunable(training):
    class Tunable(training.model_class()):
        batch_size = 2
        lr = 0.02

        def train_dataloader(self):
            return training.loader(20, self.batch_size)

        def val_dataloader(self):
            return training.loader(8, seed=1)

    return Tunable()


def test_the_learning_rate_finder_counts_nothing(training, tunable, tmp_path):
    from lightning.pytorch.callbacks import LearningRateFinder

    monitor = ScalingLawMonitor(summary=False)
    training.trainer(tmp_path, [monitor, LearningRateFinder(num_training_steps=8)], max_epochs=2).fit(tunable)
    assert monitor.record.tokens_trained == 2 * 20 * training.LENGTH
    assert monitor.curve.step.tolist() == [10, 20]


@pytest.mark.slow
def test_the_batch_size_finder_counts_nothing(training, tunable, tmp_path):
    from lightning.pytorch.callbacks import BatchSizeFinder

    monitor = ScalingLawMonitor(summary=False)
    training.trainer(tmp_path, [monitor, BatchSizeFinder(max_trials=2, steps_per_trial=2)], max_epochs=2).fit(tunable)
    assert monitor.record.tokens_trained == 2 * 20 * training.LENGTH


def test_a_tuner_before_the_fit_leaves_no_run_behind(training, tunable, tmp_path):
    from lightning.pytorch.tuner import Tuner

    monitor = ScalingLawMonitor(summary=False)
    trainer = training.trainer(tmp_path, monitor, max_epochs=2)
    Tuner(trainer).lr_find(tunable, num_training=8, update_attr=False)
    assert monitor.record is None
    trainer.fit(tunable)
    assert monitor.record.tokens_trained == 2 * 20 * training.LENGTH


def test_validating_and_testing_adds_no_point(training, tmp_path):
    monitor = ScalingLawMonitor(summary=False)
    trainer = training.trainer(tmp_path, monitor, max_epochs=1)
    model = training.model_class()()
    trainer.fit(model, training.loader(), training.loader(8, seed=1))
    trainer.validate(model, training.loader(8, seed=1), verbose=False)
    assert len(monitor.curve) == 1
