"""The learning-rate schedule of a run in training: what was observed, what its schedulers will still do, and which of them to believe.

`observed` keeps the rates of the steps made, `projection` reads the rates to come off torch schedulers, `tracker` joins the two.
"""

from lightning_scaling.monitor.schedule.calls import SchedulerCalls
from lightning_scaling.monitor.schedule.observed import ObservedRates
from lightning_scaling.monitor.schedule.projection import Projection, ScheduleOutcome, Stepped, project
from lightning_scaling.monitor.schedule.tracker import ScheduleTracker

__all__ = ["ObservedRates", "Projection", "ScheduleOutcome", "ScheduleTracker", "SchedulerCalls", "Stepped", "project"]
