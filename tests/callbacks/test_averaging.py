"""The loss of averaged weights, measured beside real trainings: exact restoration, nothing disturbed, words where it cannot."""

import warnings

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import Callback, EMAWeightAveraging
from torch.utils.data import DataLoader, TensorDataset

from lightning_scaling.callbacks import ScalingLawMonitor
from lightning_scaling.monitor.run_monitor import RunMonitor

STEPS = 400


class Regression(LightningModule):
    """A noisy regression at a high constant rate: its weights hover, and their average lies lower."""

    def __init__(self, normed: bool = False, broken: bool = False, name: str = "val_loss") -> None:
        super().__init__()
        torch.manual_seed(0)
        inner = [torch.nn.BatchNorm1d(16)] if normed else []
        self.net = torch.nn.Sequential(torch.nn.Linear(8, 16), *inner, torch.nn.Tanh(), torch.nn.Linear(16, 1))
        self.broken, self.name, self.seen, self.validated = broken, name, [], 0

    def training_step(self, batch, index):
        return torch.nn.functional.mse_loss(self.net(batch[0]), batch[1])

    def validation_step(self, batch, index):
        self.validated += 1
        if self.broken and self.validated > 40:
            raise RuntimeError("out of memory in the second pass")
        self.seen.append(index)
        torch.rand(1)
        self.log(self.name, torch.nn.functional.mse_loss(self.net(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.15, momentum=0.9)


class Trace(Callback):
    """The weights and the optimiser's state after every training step."""

    def __init__(self) -> None:
        self.weights: list[torch.Tensor] = []

    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        self.weights.append(torch.nn.utils.parameters_to_vector(module.parameters()).detach().clone())


def data(rows: int, seed: int, size: int) -> DataLoader:
    drawn = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 8, generator=drawn)
    y = torch.sin(x.sum(1, keepdim=True)) + 0.3 * torch.randn(rows, 1, generator=drawn)
    return DataLoader(TensorDataset(x, y), size, shuffle=seed == 0)


def fit(module, *callbacks, steps: int = STEPS):
    seed_everything(3, verbose=False)
    trainer = Trainer(
        max_steps=steps,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        val_check_interval=10,
        num_sanity_val_steps=0,
        callbacks=list(callbacks),
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trainer.fit(module, data(4000, 0, 10), data(400, 1, 20))
    return trainer, [str(w.message) for w in caught if "scaling:" in str(w.message)]


def monitor(**options) -> ScalingLawMonitor:
    return ScalingLawMonitor(**{"averaging": "device", "tokens": "samples", "summary": False} | options)


@pytest.fixture(scope="module")
def trained():
    module, own, trace = Regression(), monitor(), Trace()
    fit(module, own, trace)
    return module, own, trace


def test_the_average_lies_below_the_weights_that_hover(trained):
    _, own, _ = trained
    curve = own.curve
    measured = np.isfinite(curve.averaged_loss)
    assert 8 <= measured.sum() <= 16
    assert np.median(np.log(curve.loss / curve.averaged_loss)[measured][4:]) > 0.01


def test_the_training_is_the_same_to_the_last_bit(trained):
    module, _, trace = trained
    alone, other = Regression(), Trace()
    fit(alone, monitor(averaging=None), other)
    assert len(trace.weights) == len(other.weights) == STEPS
    assert all(torch.equal(a, b) for a, b in zip(trace.weights, other.weights, strict=True))
    assert module.seen == alone.seen  # what the step appends is taken off again


def test_the_loss_of_the_average_is_that_of_averaged_weights(trained):
    _, own, trace = trained
    points = np.flatnonzero(np.isfinite(own.curve.averaged_loss))
    step = int(own.curve.step[points[-1]])
    average = trace.weights[0]
    for t, weights in enumerate(trace.weights[1:step], start=2):
        average = torch.lerp(average, weights, 1 / max(1.0, 0.05 * t))
    copy, losses = Regression(), {}
    batches = list(data(400, 1, 20))[:4]
    for name, vector in (("raw", trace.weights[step - 1]), ("averaged", average)):
        torch.nn.utils.vector_to_parameters(vector, copy.parameters())
        with torch.no_grad():
            losses[name] = np.mean([float(torch.nn.functional.mse_loss(copy.net(x), y)) for x, y in batches])
    found = own.curve.averaged_loss[points[-1]] / own.curve.loss[points[-1]]
    assert found == pytest.approx(losses["averaged"] / losses["raw"], rel=1e-4)


def test_it_is_logged_and_kept_in_the_record(trained):
    _, own, _ = trained
    assert np.isfinite(own.record.curve.averaged_loss).sum() == np.isfinite(own.curve.averaged_loss).sum()
    again = type(own.record).from_json(own.record.to_json())
    np.testing.assert_array_equal(again.curve.averaged_loss, own.record.curve.averaged_loss)


def test_a_second_pass_that_raises_leaves_the_training_alone():
    module, own, trace = Regression(), monitor(), Trace()

    class Fails(Callback):
        """The step raises outside of Lightning's own validation only."""

        def on_validation_start(self, trainer, module):
            module.broken, module.validated = True, 40 - 20  # twenty batches a validation

    _, printed = fit(module, Fails(), own, trace, steps=60)
    alone, other = Regression(), Trace()
    fit(alone, monitor(averaging=None), other, steps=60)
    assert all(torch.equal(a, b) for a, b in zip(trace.weights, other.weights, strict=True))
    assert any("out of memory in the second pass" in line for line in printed)
    assert own.curve.averaged_loss is None
    assert len(own.curve) == 6


def test_running_statistics_are_named_as_unsupported():
    own = monitor()
    _, printed = fit(Regression(normed=True), own, steps=20)
    assert any("BatchNorm1d keeps running statistics" in line for line in printed)
    assert own.curve.averaged_loss is None


def test_an_average_in_host_memory_measures_alike():
    own = monitor(averaging="host")
    fit(Regression(), own)
    measured = np.isfinite(own.curve.averaged_loss)
    assert np.median(np.log(own.curve.loss / own.curve.averaged_loss)[measured][4:]) > 0.01


def test_an_unknown_place_is_refused():
    with pytest.raises(ValueError, match="averaging must be one of"):
        monitor(averaging="disk")


def test_the_users_own_average_is_the_loss_from_its_first_update_on():
    own, average = monitor(averaging=None), EMAWeightAveraging(decay=0.8, update_starting_at_step=95)
    _, printed = fit(Regression(), average, own, steps=200)
    np.testing.assert_array_equal(own.curve.averaged_loss, own.curve.loss)
    assert 90 <= own.curve.step[0] <= 110  # before, the initial weights were validated
    assert len(own.curve) >= 9
    assert not any("reaches over" in line for line in printed)


def test_an_average_that_reaches_too_far_is_warned_of():
    _, printed = fit(Regression(), EMAWeightAveraging(decay=0.999), monitor(averaging=None), steps=100)
    assert any("reaches over 1000 steps, more than a tenth" in line for line in printed)


def looped(run, budget_steps: int = STEPS):
    """The training of `fit` as a plain loop; the losses of the average as they were handed over."""
    torch.manual_seed(3)
    module, held_out = Regression(), list(data(400, 1, 20))
    optimizer = torch.optim.SGD(module.parameters(), lr=0.15, momentum=0.9)

    def validate() -> float:
        module.eval()
        with torch.no_grad():
            return float(np.mean([torch.nn.functional.mse_loss(module.net(x), y) for x, y in held_out]))

    with run(module) as monitored:
        for step, batch in enumerate(list(data(4000, 0, 10))[:budget_steps]):
            module.train()
            optimizer.zero_grad()
            module.training_step(batch, step).backward()
            optimizer.step()
            monitored.step(tokens=10, lr=0.15)
            if step % 10 == 9:
                monitored.validated(validate(), averaged_loss=monitored.averaged(validate))
    return monitored.curve, torch.nn.utils.parameters_to_vector(module.parameters()).detach()


def test_a_plain_loop_measures_its_average_and_is_trained_as_without_it():
    options = dict(store=None, summary=False, token_budget=10 * STEPS)
    curve, weights = looped(lambda model: RunMonitor(model=model, averaging="device", **options))
    plain, alone = looped(lambda model: RunMonitor(model=model, **options))
    measured = np.isfinite(curve.averaged_loss)
    assert 8 <= measured.sum() <= 16
    assert np.median(np.log(curve.loss / curve.averaged_loss)[measured][4:]) > 0.01
    assert torch.equal(weights, alone)
    assert plain.averaged_loss is None


def test_averaging_without_a_model_is_left_out_with_a_word():
    run = RunMonitor(params=100, averaging="auto", store=None, summary=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run.step(tokens=10)
    assert "needs model=<module>" in str([w.message for w in caught])
    assert np.isnan(run.averaged(lambda: 1.0))
