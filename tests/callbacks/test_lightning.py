"""The monitor in a training: what it counts, what it shows of it, and that two Lightnings take it."""

import numpy as np
import pytest

from lightning_scaling import RunState, forecast
from lightning_scaling.accounting import TokenCountError
from lightning_scaling.callbacks import ScalingLawMonitor

FLAVOURS = ["lightning.pytorch", "pytorch_lightning"]


@pytest.fixture
def watched(training, tmp_path):
    """Fit a bigram model with a monitor; the monitor and the trainer."""

    def fit(monitor=None, model=None, train=None, val=None, flavour="lightning.pytorch", callbacks=(), **kwargs):
        model = model or training.model_class(flavour)()
        monitor = monitor or ScalingLawMonitor(summary=False)
        trainer = training.trainer(tmp_path, [monitor, *callbacks], flavour, **({"max_epochs": 3} | kwargs))
        val = training.loader(8, seed=1) if val is None else val
        trainer.fit(model, train or training.loader(), val or None)
        return monitor, trainer

    return fit


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_bare_callback_is_taken_by_both_lightnings(training, tmp_path, flavour):
    model = training.model_class(flavour)()
    monitor = ScalingLawMonitor(summary=False)
    training.trainer(tmp_path, monitor, flavour, max_epochs=1).fit(model, training.loader(), training.loader(8))
    assert monitor.record.tokens_trained == 20 * training.LENGTH


def test_tokens_are_those_counted_by_hand_with_accumulation_and_an_uneven_last_batch(watched, training):
    monitor, trainer = watched(train=training.loader(rows=22, batch=4), accumulate_grad_batches=4, max_epochs=3)
    assert monitor.record.tokens_trained == 3 * 22 * training.LENGTH
    assert trainer.global_step == 3 * 2  # batches of 4, 4, 4, 4 | 4, 2


def test_flops_are_6nd_of_all_parameters(watched, training):
    monitor, _ = watched()
    assert monitor.record.params == training.PARAMS
    assert monitor.record.flops_spent == 6 * training.PARAMS * 3 * 20 * training.LENGTH


def test_each_validation_is_one_point_and_the_sanity_check_none(watched, training):
    monitor, _ = watched(val_check_interval=2, max_epochs=2)
    tokens = [2, 4, 7, 9]  # batches of 4 rows; five batches an epoch, validated after the second and fourth
    assert monitor.curve.tokens.tolist() == [n * 4 * training.LENGTH for n in tokens]
    assert monitor.curve.step.tolist() == tokens


def test_the_forecast_is_that_of_the_whole_curve(watched):
    monitor, _ = watched(max_epochs=20)
    assert len(monitor.curve) == 20
    assert monitor.forecast.loss == pytest.approx(forecast(monitor.curve, monitor.record.planned_tokens).loss, rel=1e-12)


def test_the_plan_is_known_from_the_first_validation_on(watched, training):
    seen = []
    from lightning.pytorch import Callback

    class Look(Callback):
        def on_validation_end(self, trainer, module):
            if not trainer.sanity_checking:
                seen.append(monitor.record.planned_tokens)

    monitor = ScalingLawMonitor(summary=False)
    watched(monitor, callbacks=[Look()], max_epochs=4)
    assert seen == [4 * 20 * training.LENGTH] * 4


def test_the_schedule_in_the_curve_is_the_scheduler_s(watched, training):
    monitor, _ = watched(model=training.model_class()(steps=15), max_epochs=3)
    expected = 0.02 * (1 + np.cos(np.pi * np.arange(15) / 15)) / 2
    assert monitor.curve.schedule.at(np.arange(15)) == pytest.approx(expected, abs=1e-4)


def test_an_ended_run_is_finished(watched):
    monitor, _ = watched()
    assert monitor.record.state is RunState.FINISHED
    assert monitor.record.ended


def test_fast_dev_run_counts_nothing(watched):
    monitor, _ = watched(fast_dev_run=True)
    assert monitor.record is None
    assert monitor.curve is None


def test_a_second_run_from_step_0_is_a_new_run(watched, training):
    monitor, _ = watched()
    first = monitor.record
    watched(monitor)
    assert monitor.record.key != first.key
    assert monitor.record.tokens_trained == first.tokens_trained


def test_a_second_fit_of_the_same_trainer_goes_on(watched, training):
    monitor, trainer = watched(max_epochs=1)
    key = monitor.record.key
    trainer.fit_loop.max_epochs = 3
    trainer.fit(trainer.lightning_module, training.loader(), training.loader(8))
    assert monitor.record.key == key
    assert monitor.record.tokens_trained == 3 * 20 * training.LENGTH


def test_uncountable_batches_are_refused_before_anything_is_trained(watched, training):
    class Odd:
        def __len__(self):
            return 2

        def __iter__(self):
            return iter([object(), object()])

    with pytest.raises(TokenCountError):
        watched(train=Odd())


def test_a_wrong_name_is_refused_when_training_starts(watched):
    with pytest.raises(ValueError, match="logged no 'valid' but 'val_loss'"):
        watched(ScalingLawMonitor(monitor="valid"))


def test_one_of_several_validation_loaders_is_chosen_by_name(watched, training):
    monitor = ScalingLawMonitor(monitor="val_loss/dataloader_idx_1", summary=False)
    _, trainer = watched(monitor, val=[training.loader(8, seed=1), training.loader(4, seed=2)])
    assert monitor.curve.loss[-1] == pytest.approx(float(trainer.callback_metrics["val_loss/dataloader_idx_1"]))


def test_without_validation_the_smoothed_training_loss_is_followed(watched, training, capsys):
    monitor, _ = watched(val=[], max_epochs=8, accumulate_grad_batches=2)
    assert capsys.readouterr().out.count("training loss is followed") == 1
    assert len(monitor.curve) >= 2
    assert monitor.curve.tokens[-1] == 8 * 20 * training.LENGTH
    assert 0 < monitor.curve.loss[-1] < monitor.curve.loss[0] < 2 * np.log(training.VOCABULARY)


def test_max_steps_is_the_plan_of_an_endless_loader(watched, training):
    class Stream:
        def __iter__(self):
            while True:
                yield from training.loader()

    monitor, _ = watched(train=Stream(), max_epochs=-1, max_steps=12, val_check_interval=4, check_val_every_n_epoch=None)
    assert monitor.record.planned_tokens == 12 * 4 * training.LENGTH


def test_a_run_without_end_has_no_planned_tokens_and_is_forecast_twice_as_far(watched, training):
    from lightning.pytorch import Callback

    class Enough(Callback):
        def on_validation_end(self, trainer, module):
            trainer.should_stop = trainer.global_step > 60

    monitor, _ = watched(max_epochs=-1, callbacks=[Enough()], min_steps=1)
    assert monitor.record.planned_tokens is None
    assert monitor.record.predictions[-1].at == 2 * monitor.record.tokens
