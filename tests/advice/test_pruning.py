"""A pruner that asks where a trial will end."""

import numpy as np
import pytest

from lightning_scaling import Curve
from lightning_scaling.advice.pruning import should_prune

END = 100_000_000.0


def test_a_trial_far_above_the_best_is_pruned(make_run):
    run = make_run("cosine", 0.6)
    pruning = should_prune(run, END, best=0.8 * run.loss[-1])
    assert pruning.prune
    assert "probability" in pruning.because


def test_a_trial_below_the_best_goes_on(make_run):
    run = make_run("cosine", 0.6)
    assert not should_prune(run, END, best=run.loss[-1]).prune


def test_a_decay_to_come_keeps_a_trial_that_looks_worse_now(make_run):
    run, whole = make_run("wsd", 0.6), make_run("wsd")
    assert run.loss[-1] > 1.02 * whole.loss[-1]
    assert not should_prune(run, END, best=1.001 * whole.loss[-1]).prune


def test_too_few_points_prune_nothing(make_run):
    assert not should_prune(make_run(until=0.08), END, best=0.0).prune


def test_a_trial_that_has_broken_is_pruned(make_run):
    run = make_run("cosine", 0.6)
    assert should_prune(Curve(run.tokens, np.r_[run.loss[:-3], [np.nan] * 3]), END, best=9.0).prune


def test_the_chance_is_checked(make_run):
    with pytest.raises(ValueError, match="probability"):
        should_prune(make_run(), END, best=1.0, chance=5)


def test_an_optuna_study_can_use_it(make_run):
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial):
        run = make_run("cosine", 0.6, scale=trial.suggest_categorical("scale", [3.0, 6.0]))
        if trial.number and should_prune(run, END, trial.study.best_value).prune:
            raise optuna.TrialPruned
        return float(make_run("cosine", scale=trial.params["scale"]).loss[-1])

    study = optuna.create_study(sampler=optuna.samplers.GridSampler({"scale": [3.0, 6.0]}, seed=1))
    study.enqueue_trial({"scale": 3.0})
    study.optimize(objective, n_trials=3)
    assert optuna.trial.TrialState.PRUNED in {trial.state for trial in study.trials}
