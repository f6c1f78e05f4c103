"""The schedule of a run in training: the projection as long as the observed rates follow it."""

import torch
from torch.optim import lr_scheduler as schedulers

from lightning_scaling.monitor.guard import Guard
from lightning_scaling.monitor.schedule import projection
from lightning_scaling.monitor.schedule.observed import ObservedRates
from lightning_scaling.monitor.schedule.projection import ScheduleOutcome, Stepped, project
from lightning_scaling.monitor.schedule.tracker import ScheduleTracker


def test_an_endless_training_past_the_part_that_was_read_is_read_again(recwarn, monkeypatch):
    monkeypatch.setattr(projection, "ENDLESS_STEPS", 2000)
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], 0.1)
    scheduler = schedulers.CosineAnnealingLR(optimiser, 900)
    rates, made = ObservedRates(), 0

    def train(until):
        nonlocal made
        for _ in range(made, until):
            rates.note(scheduler.get_last_lr()[0])
            optimiser.step()
            scheduler.step()
        made = until
        return tracker.schedule()

    tracker = ScheduleTracker(rates, Guard(), read=lambda seen: project(optimiser, [Stepped(scheduler)], None, made, observed=seen))
    for until in (30, 2200, 4300):
        known = train(until)
    assert tracker.outcome is ScheduleOutcome.ENDLESS
    assert known.step[-1] > made
    assert not [w for w in recwarn if "follows no scheduler" in str(w.message)]
