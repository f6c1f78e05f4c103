"""When a verdict ends a run: only one that was asked for, and only when it has held."""

import pytest

from lightning_scaling.monitor.stopping import Stopper

PLANNED = 2000


def decisions(names, verdicts, held=None):
    stopper = Stopper(names, {} if held is None else held)
    return [stopper.decide(v, 1000 + 20 * n, PLANNED) for n, v in enumerate(verdicts)]


def test_a_verdict_ends_the_run_once_it_has_held_over_a_stretch_of_compute():
    assert decisions(("STOP",), ["STOP"] * 5) == [False, False, True, True, True]


def test_a_verdict_given_often_without_new_compute_does_not():
    stopper = Stopper(("STOP",), {})
    assert not any(stopper.decide("STOP", 1000, PLANNED) for _ in range(30))


def test_a_verdict_that_changes_starts_again():
    assert not any(decisions(("STOP",), ["STOP", "STOP", "CONTINUE", "STOP", "STOP"]))


def test_a_verdict_that_was_not_asked_for_ends_nothing():
    assert not any(decisions(("GROW",), ["STOP"] * 10))


def test_what_has_held_survives_a_resume():
    held = {}
    decisions(("STOP",), ["STOP"] * 2, held)
    assert Stopper(("STOP",), dict(held)).decide("STOP", 1040, PLANNED)


@pytest.fixture
def plateau(training, tmp_path, judged_at_once):
    """Fit a model whose rate has decayed and whose validation loss no longer falls, with or without leave to stop."""

    def fit(stop):
        import torch
        from lightning.pytorch.callbacks import ModelCheckpoint

        from lightning_scaling.callbacks import ScalingLawMonitor

        class Flat(training.model_class()):
            seen = 0

            def validation_step(self, batch, batch_idx):
                self.seen += not self.trainer.sanity_checking
                noise = 1e-4 * torch.randn((), generator=torch.Generator().manual_seed(self.seen))
                self.log("val_loss", 2.0 + 2.0 / max(self.seen, 1) ** 2 + noise)

            def configure_optimizers(self):
                optimizer = torch.optim.Adam(self.parameters(), 1e-3)
                decayed = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.001, total_iters=50)
                return [optimizer], [{"scheduler": decayed, "interval": "step"}]

        monitor = ScalingLawMonitor(stop=stop, summary=False)
        callbacks = [monitor, ModelCheckpoint(tmp_path)]
        trainer = training.trainer(tmp_path, callbacks, max_epochs=70, enable_checkpointing=True)
        trainer.fit(Flat(), training.loader(), training.loader(2))
        return monitor, trainer

    return fit


def test_a_plateau_ends_the_run_says_why_and_leaves_a_checkpoint(plateau, tmp_path, capsys):
    monitor, trainer = plateau(stop=True)
    assert trainer.global_step < 70 * 5
    assert "the run is stopped (STOP): " in capsys.readouterr().out
    assert (tmp_path / f"stopped-step={trainer.global_step}.ckpt").exists()
    assert monitor.record.ended


def test_without_leave_a_plateau_is_only_reported(plateau):
    monitor, trainer = plateau(stop=None)
    assert trainer.global_step == 70 * 5
    assert "STOP" in {p.verdict for p in monitor.record.predictions}
