"""A training with Lightning's MLFlowLogger is recorded in the logger's run, and a resumed one goes on in the run of its checkpoint."""

import time

import pytest

from lightning_scaling.callbacks import ScalingLawMonitor


@pytest.fixture
def fit(training, tmp_path, new_store):
    store = new_store(tmp_path)

    def run(epochs, resume=None):
        from lightning.pytorch.loggers import MLFlowLogger

        logger = MLFlowLogger("tests", tracking_uri=store)
        monitor = ScalingLawMonitor(summary=False)
        trainer = training.trainer(tmp_path, monitor, max_epochs=epochs, logger=logger)
        trainer.fit(training.model_class()(), training.loader(), training.loader(8, seed=1), ckpt_path=resume)
        trainer.save_checkpoint(tmp_path / "end.ckpt")
        return logger, monitor

    return run


def test_an_mlflow_logger_s_run_holds_the_points(fit):
    logger, monitor = fit(2)
    history = logger.experiment.get_metric_history(logger.run_id, "scaling/tokens")
    assert [m.value for m in history] == monitor.curve.tokens.tolist()
    assert monitor.record.run_id == logger.run_id


def test_a_resume_leaves_one_run_with_each_point_once(fit, tmp_path, training):
    first, _ = fit(2)
    second, _ = fit(4, resume=tmp_path / "end.ckpt")
    assert second.run_id == first.run_id
    history = second.experiment.get_metric_history(first.run_id, "scaling/tokens")
    assert [m.value for m in history] == [n * 20 * training.LENGTH for n in (1, 2, 3, 4)]
    assert _runs(second) == [first.run_id]


def _runs(logger):
    for _ in range(50):
        found = [run.info.run_id for run in logger.experiment.search_runs([logger.experiment_id])]
        if len(found) == 1:
            break
        time.sleep(0.1)
    return found
