"""Training never ends because of the monitor: whatever of it fails, whenever, however, the training ends as it would without."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightning_scaling.callbacks import ScalingLawMonitor

SCRIPT = Path(__file__).parent / "training.py"
MONITOR, RUN = "lightning_scaling.monitor.", "lightning_scaling.monitor.run_monitor:RunMonitor."
HOOKS = [RUN + name for name in ("begin_batch", "end_batch", "optimizer_step", "validated", "sync", "state_dict", "finish", "take_metrics")]
COLLABORATORS = [
    "lightning_scaling.accounting.meter:Meter.begin",
    "lightning_scaling.accounting.meter:Meter.confirm",
    "lightning_scaling.accounting.meter:Meter.settle",
    "lightning_scaling.accounting.ledger:Ledger.delta",
    "lightning_scaling.accounting.ledger:Ledger.sync",
    MONITOR + "counting:model_signature",
    MONITOR + "schedule.observed:ObservedRates.note",
    MONITOR + "schedule.observed:ObservedRates.line",
    MONITOR + "schedule.tracker:ScheduleTracker.schedule",
    MONITOR + "points:Points.add",
    MONITOR + "progress:Progress.mark",
    MONITOR + "progress:Progress.predict",
    MONITOR + "progress:Progress.state",
    MONITOR + "judging:fit_power",
    MONITOR + "judging:forecast",
    MONITOR + "judging:advise",
    MONITOR + "judging:Judge.ask",
    MONITOR + "judging:Judge.last",
    MONITOR + "verdicts:metrics",
    MONITOR + "reporting:Reporter.judged",
    MONITOR + "reporting:Reporter.point",
    MONITOR + "verdicts:Verdicts.at",
    MONITOR + "verdicts:Verdicts.end_run",
    MONITOR + "run_view:RunView.record",
    MONITOR + "reporting:Reporter.finished",
    MONITOR + "reporting:Reporter.remember",
    MONITOR + "reporting:Readings.update",
    MONITOR + "reporting:end_of_run",
    MONITOR + "recording:Recording.record",
    MONITOR + "recording:Recording.close",
    MONITOR + "stopping:Stopper.decide",
    "lightning_scaling.callbacks.lightning:resolve",
    "lightning_scaling.callbacks.lightning:log",
    "lightning_scaling.callbacks.lightning_trainer:Horizon.token_budget",
    "lightning_scaling.run.curve:Curve.__init__",
]
ERRORS = [
    RuntimeError("injected"),
    ValueError("injected"),
    KeyError("injected"),
    OSError(28, "no space left on device"),
    MemoryError(),
    AssertionError(),
]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(target=st.sampled_from([*HOOKS, *COLLABORATORS]), error=st.sampled_from(ERRORS), after=st.integers(1, 9), validated=st.booleans())
def test_a_training_ends_as_it_would_without(training, tmp_path, target, error, after, validated):
    monitor, broken = ScalingLawMonitor(stop=True, on_verdict=print), training.failing(target, 0, error, after)
    trainer = training.trainer(tmp_path, [broken, monitor], max_epochs=2, val_check_interval=2)
    try:
        trainer.fit(training.model_class()(), training.loader(), training.loader(8, seed=1) if validated else None)
        trainer.save_checkpoint(tmp_path / "end.ckpt")
    finally:
        broken.undo()
    assert trainer.state.finished
    assert trainer.global_step == 10


@pytest.mark.parametrize("target", ["judging:advise", "reporting:Reporter.point"])
def test_a_failure_is_one_warning_with_its_cause_and_the_rest_goes_on(training, tmp_path, capsys, target):
    monitor, broken = ScalingLawMonitor(summary=False), training.failing(MONITOR + target, 0, OSError("the cause"))
    try:
        training.trainer(tmp_path, [broken, monitor], max_epochs=6).fit(
            training.model_class()(), training.loader(), training.loader(8, seed=1)
        )
    finally:
        broken.undo()
    assert capsys.readouterr().out.count("OSError: the cause") == 1
    assert monitor.record.tokens_trained == 6 * 20 * training.LENGTH
    assert len(monitor.curve) == 6


def test_a_listener_that_fails_ends_nothing(training, tmp_path, capsys, judged_at_once):
    def angry(advice):
        raise RuntimeError("no such channel")

    monitor = ScalingLawMonitor(summary=False, on_verdict=angry)
    training.trainer(tmp_path, monitor, max_epochs=40).fit(training.model_class()(), training.loader(), training.loader(8, seed=1))
    assert capsys.readouterr().out.count("no such channel") == 1
    assert monitor.record.ended


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "rank"),
    [
        (RUN + "_validated", 1),
        ("lightning_scaling.accounting.ledger:Ledger.sync", 0),
    ],
)
def test_a_failure_on_one_rank_leaves_no_other_waiting(tmp_path, target, rank):
    asked = ["--devices", "2", "--strategy", "ddp", "--epochs", "2", "--val-every", "3", "--fail", target, "--fail-rank", str(rank)]
    done = subprocess.run([sys.executable, SCRIPT, tmp_path, *asked], cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "reported-0.json").exists()
