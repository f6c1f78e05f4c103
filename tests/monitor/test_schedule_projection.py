"""The found read from a scheduler equals what stepping it really gives."""

import copy
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler as schedulers

from lightning_scaling.monitor.schedule.projection import LONG, ScheduleOutcome, Stepped, constant, project
from lightning_scaling.run.schedule import Schedule

STEPS = 600
CLOSE = 1e-4  # of the peak: what thinning to 400 knots may leave


class SlowStart(schedulers.LRScheduler):
    """A user's own, which remembers something from step to step."""

    def __init__(self, optimiser):
        self.level = 1.0
        super().__init__(optimiser)

    def get_lr(self):
        self.level *= 0.997 if self.level > 0.5 else 0.9
        return [base * self.level for base in self.base_lrs]


TABLE = {
    "LambdaLR": lambda o: schedulers.LambdaLR(o, lambda t: min(1.0, t / 50) * max(0.0, 1 - t / STEPS)),
    "MultiplicativeLR": lambda o: schedulers.MultiplicativeLR(o, lambda t: 0.99),
    "StepLR": lambda o: schedulers.StepLR(o, 100, 0.5),
    "MultiStepLR": lambda o: schedulers.MultiStepLR(o, [200, 450]),
    "ConstantLR": lambda o: schedulers.ConstantLR(o, 0.3, 100),
    "LinearLR": lambda o: schedulers.LinearLR(o, 0.1, 1.0, 100),
    "ExponentialLR": lambda o: schedulers.ExponentialLR(o, 0.99),
    "PolynomialLR": lambda o: schedulers.PolynomialLR(o, STEPS, 2.0),
    "CosineAnnealingLR": lambda o: schedulers.CosineAnnealingLR(o, STEPS, 1e-3),
    "WarmRestarts": lambda o: schedulers.CosineAnnealingWarmRestarts(o, 100, 2),
    "OneCycleLR": lambda o: schedulers.OneCycleLR(o, 0.1, total_steps=STEPS + 1),
    "CyclicLR": lambda o: schedulers.CyclicLR(o, 0.01, 0.1, 70),
    "CyclicLR with a method": lambda o: schedulers.CyclicLR(o, 0.01, 0.1, 50, mode="exp_range", gamma=0.995),
    "ChainedScheduler": lambda o: schedulers.ChainedScheduler([schedulers.ConstantLR(o, 0.1, 20), schedulers.ExponentialLR(o, 0.998)]),
    "SequentialLR": lambda o: schedulers.SequentialLR(
        o, [schedulers.LinearLR(o, 0.01, 1.0, 50), schedulers.CosineAnnealingLR(o, STEPS - 50)], [50]
    ),
    "a user's": SlowStart,
}


def projected(schedulers, total, step=0, **known):
    """The projection of one scheduler that is stepped with its optimiser, or of a list of `Stepped`."""
    stepped = schedulers if isinstance(schedulers, list) else [Stepped(schedulers)]
    return project(stepped[0].scheduler.optimizer, stepped, total, step, **known)


def optimiser(**settings):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], **{"lr": 0.1, "momentum": 0.9, **settings})


def advance(opt, scheduler, steps):
    """The rates of the next steps and the one after, by stepping the real thing."""
    rates = [float(opt.param_groups[0]["lr"])]
    for _ in range(steps):
        opt.step()
        scheduler.step()
        rates.append(float(opt.param_groups[0]["lr"]))
    return np.array(rates)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("start", [0, 237])
def test_the_projection_is_what_stepping_gives(name, start):
    opt = optimiser()
    scheduler = TABLE[name](opt)
    advance(opt, scheduler, start)
    found = projected(scheduler, STEPS, start)
    truth = advance(opt, scheduler, STEPS - start)
    np.testing.assert_allclose(found.schedule.at(np.arange(start, STEPS + 1)), truth, atol=CLOSE * truth.max())
    assert found.outcome is ScheduleOutcome.READ
    assert len(found.schedule.step) <= 401


@pytest.mark.parametrize("name", TABLE)
def test_reading_changes_neither_scheduler_nor_optimiser(name):
    opt = optimiser()
    scheduler = TABLE[name](opt)
    advance(opt, scheduler, 10)
    before = repr(scheduler.state_dict()), repr(opt.state_dict()), torch.get_rng_state().tolist()
    projected(scheduler, STEPS, 10)
    assert (repr(scheduler.state_dict()), repr(opt.state_dict()), torch.get_rng_state().tolist()) == before


def test_a_jump_is_kept_at_its_step():
    opt = optimiser()
    found = projected(schedulers.MultiStepLR(opt, [200]), STEPS)
    assert found.schedule.at(199) == pytest.approx(0.1)
    assert found.schedule.at(200) == pytest.approx(0.01)


def test_a_scheduler_never_stepped_before_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        projected(schedulers.StepLR(optimiser(), 10), 50)


def test_observed_rates_are_the_past_of_the_schedule():
    opt = optimiser(lr=0.2)
    seen = Schedule([0, 40, 99], [0.0, 0.5, 0.5])
    found = projected(schedulers.LinearLR(opt, 1.0, 0.5, 100), 200, 100, observed=seen)
    assert found.schedule.at(40) == 0.5
    assert found.schedule.at(100) == pytest.approx(0.2)
    assert found.schedule.at(200) == pytest.approx(0.1)


def test_a_one_cycle_that_ends_early_stays_at_its_last_rate():
    opt = optimiser()
    found = projected(schedulers.OneCycleLR(opt, 0.1, total_steps=100), 150)
    assert found.outcome is ScheduleOutcome.READ
    assert found.schedule.at(150) == found.schedule.at(100)


def test_a_model_behind_the_lambda_is_not_copied():
    class Net(torch.nn.Module):
        def __deepcopy__(self, memo):
            raise AssertionError("copied")

        def rate(self, step):
            return 1.0 / (1 + step)

    found = projected(schedulers.LambdaLR(optimiser(), Net().rate), 9)
    assert found.schedule.at(9) == pytest.approx(0.01)


def test_a_group_held_still_does_not_hide_the_rate_of_the_others():
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    opt = torch.optim.SGD([{"params": weights[:1], "lr": 0.0}, {"params": weights[1:], "lr": 0.1}])
    assert projected(schedulers.ConstantLR(opt, 1.0), 10).schedule.peak == pytest.approx(0.1)


def test_a_rate_kept_in_a_tensor_is_left_as_it_is():
    opt = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=torch.tensor(0.1))
    scheduler = schedulers.LinearLR(opt, 1.0, 0.0, 10)
    assert projected(scheduler, 5).schedule.at(5) == pytest.approx(0.05)
    assert opt.param_groups[0]["lr"].item() == pytest.approx(0.1)


def test_plateau_has_no_schedule():
    found = projected(schedulers.ReduceLROnPlateau(optimiser()), STEPS)
    assert (found.schedule, found.outcome) == (None, ScheduleOutcome.PLATEAU)


def test_a_scheduler_that_cannot_be_copied_has_no_schedule():
    class Locked(schedulers.LambdaLR):
        def __deepcopy__(self, memo):
            raise TypeError("cannot pickle lock")

    found = projected(Locked(optimiser(), lambda t: 1.0), STEPS)
    assert found.outcome is ScheduleOutcome.UNREADABLE
    assert "cannot pickle lock" in found.note


def test_an_endless_training_is_read_for_many_steps():
    found = projected(schedulers.LambdaLR(optimiser(), lambda t: 1 / (1 + t)), None)
    assert found.outcome is ScheduleOutcome.ENDLESS
    assert found.schedule.at(1000) == pytest.approx(0.1 / 1001, abs=1e-5)


FACTORS = st.floats(0.05, 1.0)
PARTS = st.one_of(
    st.builds(lambda f, n: lambda o: schedulers.LinearLR(o, f, 1.0, n), FACTORS, st.integers(1, 60)),
    st.builds(lambda n: lambda o: schedulers.CosineAnnealingLR(o, n), st.integers(1, 90)),
    st.builds(lambda f: lambda o: schedulers.ExponentialLR(o, 0.9 + f / 10), FACTORS),
    st.builds(lambda f, n: lambda o: schedulers.StepLR(o, n, f), FACTORS, st.integers(1, 40)),
    st.builds(lambda f: lambda o: schedulers.LambdaLR(o, lambda t: f**t), FACTORS),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(PARTS, st.integers(1, 50)), min_size=1, max_size=4), st.booleans(), st.integers(0, 120))
@pytest.mark.filterwarnings("ignore:.*lr_scheduler.*:UserWarning")
def test_any_sequence_or_chain_is_read_as_it_steps(parts, chained, start):
    opt, steps = optimiser(), 130
    made, marks = [part(opt) for part, _ in parts], np.cumsum([length for _, length in parts]).tolist()
    scheduler = schedulers.ChainedScheduler(made) if chained else schedulers.SequentialLR(opt, made, marks[:-1])
    advance(opt, scheduler, start)
    found = projected(scheduler, steps, start)
    truth = advance(opt, scheduler, steps - start)
    np.testing.assert_allclose(found.schedule.at(np.arange(start, steps + 1)), truth, atol=CLOSE * max(truth.max(), 1e-12))


LONG_TABLE = {
    "LambdaLR": lambda o, n: schedulers.LambdaLR(o, lambda t: min(1.0, t / 2000) * (0.1 + 0.9 * max(0.0, 1 - t / n) ** 0.5)),
    "CosineAnnealingLR": lambda o, n: schedulers.CosineAnnealingLR(o, n),
    "MultiStepLR": lambda o, n: schedulers.MultiStepLR(o, [12_345, 20_001]),
    "OneCycleLR": lambda o, n: schedulers.OneCycleLR(o, 0.1, total_steps=n + 1),
    "WarmRestarts": lambda o, n: schedulers.CosineAnnealingWarmRestarts(o, 4_000, 2),
    "SequentialLR": lambda o, n: schedulers.SequentialLR(
        o, [schedulers.LinearLR(o, 0.01, 1.0, 777), schedulers.CosineAnnealingLR(o, n - 777)], [777]
    ),
    "ChainedScheduler": lambda o, n: schedulers.ChainedScheduler([schedulers.ConstantLR(o, 0.1, 20), schedulers.ExponentialLR(o, 0.9999)]),
    "a user's": lambda o, n: SlowStart(o),
}


@pytest.mark.parametrize("name", LONG_TABLE)
def test_a_long_plan_is_what_stepping_gives(name):
    steps, start = 24_000, 500
    opt = optimiser()
    scheduler = LONG_TABLE[name](opt, steps)
    advance(opt, scheduler, start)
    found = projected(scheduler, steps, start)
    truth = advance(opt, scheduler, steps - start)
    np.testing.assert_allclose(found.schedule.at(np.arange(start, steps + 1)), truth, atol=CLOSE * truth.max())


def test_a_long_plan_forgets_its_formula_where_the_rate_was_set_by_hand():
    opt = optimiser()
    scheduler = schedulers.ExponentialLR(opt, 0.9999)
    opt.param_groups[0]["lr"] = 0.02
    found = projected(scheduler, LONG + 10)
    assert found.schedule.at([0, 1000]) == pytest.approx([0.02, 0.02 * 0.9999**1000], rel=1e-3)


def test_a_plan_of_a_million_steps_is_read_to_its_end():
    found = projected(schedulers.CosineAnnealingLR(optimiser(), 10**6), 10**6)
    assert found.outcome is ScheduleOutcome.READ
    assert found.schedule.at(750_000) == pytest.approx(0.1 * (1 + np.cos(0.75 * np.pi)) / 2, abs=1e-6)


def test_a_schedule_too_long_to_step_through_is_shortened(monkeypatch):
    monkeypatch.setattr("lightning_scaling.monitor.schedule.projection.MOST_CALLS", LONG + 5)
    found = projected(SlowStart(optimiser()), 10 * LONG)
    assert found.outcome is ScheduleOutcome.SHORTENED
    assert found.schedule.end == 10 * LONG


def test_a_rate_of_zero_is_no_schedule():
    assert constant(0.0, 100).outcome is ScheduleOutcome.NO_RATE


def test_an_outcome_is_a_sentence():
    assert all(len(str(outcome).split()) > 4 for outcome in ScheduleOutcome)
    assert copy.copy(ScheduleOutcome.READ) is ScheduleOutcome.READ
