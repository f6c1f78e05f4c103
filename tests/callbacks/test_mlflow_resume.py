"""A training with Lightning's MLFlowLogger is recorded in the run that the logger names; no run of the user's is deleted or ended."""

import pytest

from lightning_scaling.callbacks import ScalingLawMonitor


@pytest.fixture
def fit(training, tmp_path, new_store):
    store = new_store(tmp_path)

    def run(epochs, resume=None, **named):
        from lightning.pytorch.loggers import MLFlowLogger

        logger = MLFlowLogger("tests", tracking_uri=store, **named)
        logger.log_hyperparams({} if "run_id" in named else {"stage": epochs})
        monitor = ScalingLawMonitor(summary=False)
        trainer = training.trainer(tmp_path, monitor, max_epochs=epochs, logger=logger)
        trainer.fit(training.model_class()(), training.loader(), training.loader(8, seed=1), ckpt_path=resume)
        trainer.save_checkpoint(tmp_path / "end.ckpt")
        return logger, monitor

    return run


def tokens(logger):
    return [m.value for m in logger.experiment.get_metric_history(logger.run_id, "scaling/tokens")]


def test_an_mlflow_logger_s_run_holds_the_points(fit):
    logger, monitor = fit(2)
    assert tokens(logger) == monitor.curve.tokens.tolist()
    assert monitor.record.run_id == logger.run_id


def test_a_resume_is_recorded_in_the_run_that_the_logger_names(fit, tmp_path, training):
    first, _ = fit(2, run_name="pretraining")
    second, _ = fit(4, resume=tmp_path / "end.ckpt", run_name="fine-tuning")
    assert tokens(second) == [n * 20 * training.LENGTH for n in (3, 4)]
    assert tokens(first) == [n * 20 * training.LENGTH for n in (1, 2)]


def test_no_run_is_deleted_or_ended_and_the_earlier_one_is_linked(fit, tmp_path):
    first, _ = fit(2, run_name="pretraining")
    second, _ = fit(4, resume=tmp_path / "end.ckpt", run_name="fine-tuning")
    client = second.experiment
    found = {run.info.run_id: run for run in client.search_runs([second.experiment_id], run_view_type=3)}
    assert set(found) == {first.run_id, second.run_id}
    assert {run.info.lifecycle_stage for run in found.values()} == {"active"}
    assert found[second.run_id].data.tags["scaling.resumed_from"] == first.run_id
    assert found[second.run_id].data.params["stage"] == "4"


def test_a_resume_with_the_run_id_of_its_checkpoint_stays_in_one_run(fit, tmp_path, training):
    first, _ = fit(2)
    second, _ = fit(4, resume=tmp_path / "end.ckpt", run_id=first.run_id)
    assert tokens(second) == [n * 20 * training.LENGTH for n in (1, 2, 3, 4)]
    assert "scaling.resumed_from" not in second.experiment.get_run(first.run_id).data.tags
