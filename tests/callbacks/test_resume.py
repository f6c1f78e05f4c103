"""An interrupted training that is resumed ends with the counts, curve and identity of one that ran straight."""

import pytest
import torch

from lightning_scaling import RunState
from lightning_scaling.callbacks import ScalingLawMonitor

EPOCHS, ROWS = 4, 20


@pytest.fixture
def fit(training, tmp_path):
    """Fit with a monitor and a checkpoint after every batch; `stop` is a callback that interrupts."""

    def run(stop=None, resume=None, rows=ROWS, batch=4, accumulate=1, flavour="lightning.pytorch", epochs=EPOCHS):
        model = training.model_class(flavour)()
        monitor, checkpoint = ScalingLawMonitor(summary=False), _checkpoint(flavour, tmp_path)
        more = {"max_epochs": epochs, "accumulate_grad_batches": accumulate, "enable_checkpointing": True, "val_check_interval": 2}
        trainer = training.trainer(tmp_path, [c for c in (monitor, stop, checkpoint) if c], flavour, **more)
        path = tmp_path / "last.ckpt" if resume else None
        trainer.fit(model, training.loader(rows, batch), training.loader(8, seed=1), ckpt_path=path)
        return monitor

    return run


def _checkpoint(flavour, folder):
    import importlib

    kept = importlib.import_module(f"{flavour}.callbacks").ModelCheckpoint
    return kept(folder, filename="last", every_n_train_steps=1, save_on_train_epoch_end=False, enable_version_counter=False)


def stopper(at, error):
    """A callback that raises `error` at the end of batch `at`."""
    from lightning.pytorch import Callback

    class Stop(Callback):
        batches = 0

        def on_train_batch_end(self, *_):
            self.batches += 1
            if self.batches == at:
                raise error

    return Stop()


def straight_tokens(training, rows=ROWS, epochs=EPOCHS):
    return epochs * rows * training.LENGTH


@pytest.mark.parametrize("at", [3, 5, 8, 17])
def test_resume_after_an_exception_counts_what_a_straight_run_counts(fit, training, at):
    with pytest.raises(RuntimeError):
        fit(stopper(at, RuntimeError("broken")))
    monitor = fit(resume=True)
    assert monitor.record.tokens_trained == straight_tokens(training)
    assert monitor.record.flops_spent == 6 * training.PARAMS * straight_tokens(training)


def test_resume_after_ctrl_c_counts_what_a_straight_run_counts(fit, training):
    with pytest.raises(SystemExit):
        fit(stopper(7, KeyboardInterrupt()))
    assert fit(resume=True).record.tokens_trained == straight_tokens(training)


def test_resume_gives_the_curve_of_a_straight_run(fit):
    straight = fit().curve
    with pytest.raises(RuntimeError):
        fit(stopper(9, RuntimeError("broken")))
    resumed = fit(resume=True).curve
    assert resumed.tokens.tolist() == straight.tokens.tolist()
    assert resumed.loss.tolist() == pytest.approx(straight.loss.tolist(), rel=1e-6)
    assert resumed.step.tolist() == straight.step.tolist()


@pytest.fixture
def broken_validation(training, tmp_path):
    """A callback that breaks the validation step of the given number, and saves a checkpoint there, as an emergency save would."""
    from lightning.pytorch import Callback

    class Break(Callback):
        def __init__(self, number):
            self.number, self.steps = number, 0

        def on_fit_start(self, trainer, module):
            step = module.validation_step

            def breaking(*given):
                self.steps += 1
                if self.steps == self.number:
                    trainer.save_checkpoint(tmp_path / "last.ckpt")
                    raise RuntimeError("broken")
                return step(*given)

            module.validation_step = breaking

    return Break


@pytest.mark.parametrize("number", [1, 4, 9, 16])
def test_a_validation_that_broke_off_is_not_missing_after_the_resume(fit, broken_validation, number):
    straight = fit()
    with pytest.raises(RuntimeError):
        fit(broken_validation(number))
    resumed = fit(resume=True)
    assert resumed.curve.tokens.tolist() == straight.curve.tokens.tolist()
    assert resumed.curve.loss.tolist() == pytest.approx(straight.curve.loss.tolist(), rel=1e-6)
    assert resumed.record.conventions == straight.record.conventions


def test_points_past_the_checkpoint_that_are_trained_again_are_counted_once(fit, training, tmp_path):
    """The checkpoint is older than the interruption: batches 7 to 9 are trained twice and counted once."""
    with pytest.raises(RuntimeError):
        fit(stopper(6, RuntimeError("broken")))
    older = (tmp_path / "last.ckpt").read_bytes()
    with pytest.raises(RuntimeError):
        fit(stopper(3, RuntimeError("broken again")), resume=True)
    (tmp_path / "last.ckpt").write_bytes(older)
    monitor = fit(resume=True)
    assert monitor.record.tokens_trained == straight_tokens(training)


def test_resume_keeps_the_key_and_the_forecasts(fit, tmp_path):
    with pytest.raises(RuntimeError):
        fit(stopper(15, RuntimeError("broken")))
    saved = torch.load(tmp_path / "last.ckpt", weights_only=True)["callbacks"]["ScalingLawMonitor"]
    resumed = fit(resume=True).record
    assert resumed.key == saved["key"]
    assert repr([vars(p) for p in resumed.predictions[: len(saved["predictions"])]]) == repr(saved["predictions"])  # NaN is no NaN


def test_a_checkpoint_moves_between_the_two_lightnings(fit, training):
    with pytest.raises(RuntimeError):
        fit(stopper(7, RuntimeError("broken")))
    assert fit(resume=True, flavour="pytorch_lightning").record.tokens_trained == straight_tokens(training)


def test_resume_with_another_accumulation_adds_what_is_trained_since(fit, training):
    with pytest.raises(RuntimeError):
        fit(stopper(11, RuntimeError("broken")))
    assert fit(resume=True, accumulate=2).record.tokens_trained == straight_tokens(training)


def test_resume_with_another_batch_size_adds_what_is_trained_since(fit, training):
    fit(epochs=2)
    monitor = fit(resume=True, batch=10, epochs=4)
    assert monitor.record.tokens_trained == straight_tokens(training)


def test_an_interrupted_run_is_cut_off(training, tmp_path):
    monitor = ScalingLawMonitor(summary=False)
    trainer = training.trainer(tmp_path, [monitor, stopper(7, RuntimeError("broken"))], max_epochs=2)
    with pytest.raises(RuntimeError):
        trainer.fit(training.model_class()(), training.loader(), training.loader(8))
    assert monitor.record.state is RunState.INTERRUPTED
    assert not monitor.record.ended


def test_a_checkpoint_without_counts_is_told_of(training, tmp_path, capsys):
    trainer = training.trainer(tmp_path, max_epochs=1)
    trainer.fit(training.model_class()(), training.loader())
    trainer.save_checkpoint("plain.ckpt")
    monitor = ScalingLawMonitor(summary=False)
    trainer = training.trainer(tmp_path, monitor, max_epochs=2)
    trainer.fit(training.model_class()(), training.loader(), training.loader(8), ckpt_path="plain.ckpt")
    assert "before step 5: tokens count from here" in capsys.readouterr().out
    assert monitor.curve.step[-1] == 10
