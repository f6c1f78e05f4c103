"""Manual optimisation, several optimisers, and rates that live on a device."""

import pytest
import torch

from lightning_scaling.callbacks import ScalingLawMonitor


@pytest.fixture
def by_hand(training):
    """A module that steps two optimisers itself, the second every other batch."""

    class ByHand(training.model_class()):
        automatic_optimization = False

        def training_step(self, batch, batch_idx):
            first, second = self.optimizers()
            loss = self.loss(batch)
            self.manual_backward(loss)
            first.step()
            if batch_idx % 2:
                second.step()
            first.zero_grad()
            second.zero_grad()
            return loss

        def configure_optimizers(self):
            return [torch.optim.SGD(self.embed.parameters(), 0.1), torch.optim.SGD(self.head.parameters(), 0.3)]

    return ByHand


@pytest.mark.parametrize(("index", "steps", "rate"), [(0, 10, 0.1), (1, 4, 0.3)])
def test_under_manual_optimisation_the_chosen_optimiser_is_followed(by_hand, training, tmp_path, capsys, index, steps, rate):
    monitor = ScalingLawMonitor(optimizer=index, summary=False)
    training.trainer(tmp_path, monitor, max_epochs=2).fit(by_hand(), training.loader(), training.loader(8))
    assert monitor.record.tokens_trained == 2 * 20 * training.LENGTH
    assert monitor.curve.step[-1] == steps
    assert monitor.curve.schedule.at(steps) == rate
    assert monitor.record.planned_tokens == 2 * 20 * training.LENGTH
    assert "the schedule is unknown" not in capsys.readouterr().out  # there is no scheduler that the module could step


def test_an_optimiser_that_is_not_there_is_refused_when_training_starts(by_hand, training, tmp_path):
    trainer = training.trainer(tmp_path, ScalingLawMonitor(optimizer=2), max_epochs=1)
    with pytest.raises(ValueError, match="optimizer=2 asks for one of 2 optimisers"):
        trainer.fit(by_hand(), training.loader(), training.loader(8))


def test_a_rate_in_a_tensor_is_read_at_validations_only(training, tmp_path):
    class Capturable(training.model_class()):
        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=torch.tensor(0.02))

    monitor = ScalingLawMonitor(summary=False)
    training.trainer(tmp_path, monitor, max_epochs=2).fit(Capturable(), training.loader(), training.loader(8))
    assert monitor.curve.schedule.at(5) == pytest.approx(0.02)


def test_a_rate_set_by_hand_follows_no_scheduler_and_is_reported(training, tmp_path, capsys):
    class SetByHand(training.model_class()):
        def on_train_batch_start(self, batch, batch_idx):
            self.optimizers().param_groups[0]["lr"] = 0.1 / (1 + self.global_step)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    monitor = ScalingLawMonitor(summary=False)
    training.trainer(tmp_path, monitor, max_epochs=6).fit(SetByHand(), training.loader(), training.loader(8))
    assert capsys.readouterr().out.count("follows no scheduler") == 1
    assert monitor.curve.schedule.at(29) == pytest.approx(0.1 / 30, abs=1e-3)


def test_a_schedule_given_by_hand_is_the_schedule(training, tmp_path):
    from lightning_scaling import Schedule

    monitor = ScalingLawMonitor(schedule=Schedule([0, 10], [1.0, 0.0]), summary=False)
    training.trainer(tmp_path, monitor, max_epochs=2).fit(training.model_class()(), training.loader(), training.loader(8))
    assert monitor.curve.schedule.at(5) == 0.5


def test_a_batch_that_cannot_be_counted_later_on_is_reported_and_training_continues(training, tmp_path, capsys):
    class Mixed:
        def __iter__(self):
            yield from training.loader(8)
            yield ["a text"]

    class Lenient(training.model_class()):
        def training_step(self, batch, batch_idx):
            return self.loss(batch) if len(batch) == 2 else None

    monitor = ScalingLawMonitor(tokens=lambda batch: batch[0].numel(), summary=False)
    training.trainer(tmp_path, monitor, max_epochs=1).fit(Lenient(), Mixed(), training.loader(8))
    assert monitor.record.tokens_trained == 8 * training.LENGTH
    assert "1 batches held no tokens that can be counted" in capsys.readouterr().out
