"""transformers.Trainer with a random-init GPT-2: counts are those made by hand, over accumulation, evaluations and resumes."""

import copy
import json
import pickle
import warnings

import pytest
import torch

pytest.importorskip("transformers")
import language_model as lm

EPOCH = lm.ROWS * lm.LENGTH  # tokens
pytestmark = pytest.mark.usefixtures("quiet_transformers")
STEPS = {"eval_strategy": "steps", "eval_steps": 2}


class InjectedError(Exception):
    pass


def fails_at(step):
    """A callback that ends the training with an error when this optimiser step begins."""
    from transformers import TrainerCallback

    class Failing(TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step == step:
                raise InjectedError

    return Failing()


def test_tokens_are_exact_over_accumulation_and_an_uneven_last_batch(scaling, tmp_path):
    callback = scaling()
    trainer = lm.trainer(tmp_path, [callback], num_train_epochs=3, gradient_accumulation_steps=4, **STEPS)
    trainer.train()
    assert callback.record.tokens_trained == 3 * EPOCH
    assert callback.record.flops_spent == 6 * lm.params(trainer.model) * 3 * EPOCH
    assert callback.record.params == lm.params(trainer.model)


def test_a_point_stands_at_every_evaluation_by_steps(scaling, tmp_path):
    callback = scaling()
    lm.trainer(tmp_path, [callback], max_steps=6, gradient_accumulation_steps=2, **STEPS).train()
    # an epoch has 6 micro-batches (the last of 2 rows), hence 3 steps
    assert callback.curve.tokens.tolist() == [16 * lm.LENGTH, 30 * lm.LENGTH, 44 * lm.LENGTH]
    assert callback.curve.step.tolist() == [2, 4, 6]


def test_every_evaluation_by_epochs_is_a_point(scaling, tmp_path):
    callback = scaling()
    lm.trainer(tmp_path, [callback], num_train_epochs=3, eval_strategy="epoch").train()
    assert callback.curve.tokens.tolist() == [EPOCH, 2 * EPOCH, 3 * EPOCH]


def test_the_loss_is_that_of_the_evaluation(scaling, tmp_path):
    callback = scaling()
    trainer = lm.trainer(tmp_path, [callback], num_train_epochs=2, eval_strategy="epoch")
    trainer.train()
    assert callback.curve.loss.tolist() == [entry["eval_loss"] for entry in trainer.state.log_history if "eval_loss" in entry]
    assert callback.record.conventions.loss == "eval_loss"


@pytest.mark.parametrize("limit", [{"num_train_epochs": 4}, {"max_steps": 24}])
def test_the_token_budget_is_the_end_of_the_training(limit, scaling, tmp_path):
    callback = scaling(stop=None)
    lm.trainer(tmp_path, [callback], train=lm.Rows(24), eval_strategy="epoch", **limit).train()
    budgets = {prediction.at for prediction in callback.record.predictions}
    assert budgets >= {4 * 24 * lm.LENGTH}
    assert callback.record.planned_tokens == 4 * 24 * lm.LENGTH


def test_the_schedule_is_the_schedulers_to_the_end(scaling, tmp_path):
    callback = scaling()
    options = {"learning_rate": 1e-3, "lr_scheduler_type": "linear", "warmup_steps": 4, "max_steps": 12}
    lm.trainer(tmp_path, [callback], **options, **STEPS).train()
    assert callback.curve.schedule.at([0, 4, 8, 12]).tolist() == pytest.approx([0, 1e-3, 5e-4, 0])


def test_steps_that_accelerate_repeats_are_projected_as_it_makes_them():
    from accelerate.scheduler import AcceleratedScheduler
    from accelerate.state import AcceleratorState
    from transformers import TrainerState

    from lightning_scaling.callbacks.transformers_trainer import Repeated, projected_schedule, unwrapped_scheduler

    def made():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], 1.0)
        return optimizer, torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=20)

    optimizer, scheduler = made()
    AcceleratorState(cpu=True)
    assert unwrapped_scheduler(AcceleratedScheduler(scheduler, optimizer)) is scheduler
    found = projected_schedule(TrainerState(max_steps=10), optimizer, Repeated(scheduler, 2), None).schedule
    other, stepped = made()
    for step in range(10):
        assert found.at(step) == pytest.approx(other.param_groups[0]["lr"])
        other.step()
        stepped.step(), stepped.step()


@pytest.mark.parametrize("restore", [False, True])
@pytest.mark.parametrize("batch", [lm.BATCH, 2])
def test_an_interrupted_training_resumes_exactly(batch, restore, scaling, tmp_path):
    first = scaling()
    options = {"num_train_epochs": 3, **STEPS}
    interrupted = lm.trainer(tmp_path, [first, fails_at(11)], save_strategy="steps", save_steps=4, **options)
    with pytest.raises(InjectedError):
        interrupted.train()
    resumed = scaling(on_verdict=print)
    options |= {"restore_callback_states_from_checkpoint": restore, "per_device_train_batch_size": batch}
    trainer = lm.trainer(tmp_path, [resumed], of=interrupted.model, **options)
    trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-8"))
    before = (lm.ROWS + 2 * lm.BATCH) * lm.LENGTH  # 8 steps: an epoch of 6 batches and two more
    skipped = 8 * batch if 8 * batch <= lm.ROWS else lm.ROWS + 2 * batch
    assert resumed.record.tokens_trained == before + 3 * EPOCH - skipped * lm.LENGTH
    assert resumed.record.key == first.record.key
    assert resumed.curve.tokens[:4].tolist() == first.curve.tokens[:4].tolist()
    assert resumed in trainer.callback_handler.callbacks  # with its callable, which no checkpoint holds


def test_a_checkpoint_without_the_callback_can_be_resumed_and_saved(scaling, tmp_path):
    options = {"save_strategy": "steps", "save_steps": 4, "num_train_epochs": 2, **STEPS}
    lm.trainer(tmp_path, [], **options).train()
    callback = scaling()
    with pytest.warns(UserWarning, match="nothing is known of what was trained before step 4"):
        lm.trainer(tmp_path, [callback], **options).train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert callback.record.tokens_trained == 2 * EPOCH - 4 * lm.BATCH * lm.LENGTH
    assert callback.curve.step.tolist() == [6, 8, 10, 12]


def test_the_state_in_the_checkpoint_is_json_and_counts_to_its_step(scaling, tmp_path):
    lm.trainer(tmp_path, [scaling()], max_steps=5, save_strategy="steps", save_steps=3, gradient_accumulation_steps=2).train()
    saved = json.loads((tmp_path / "checkpoint-3" / "trainer_state.json").read_text())["stateful_callbacks"]["ScalingLawCallback"]
    assert saved["attributes"]["resumed"]["ledger"]["tokens"] == EPOCH


def test_a_second_training_is_a_new_run(scaling, tmp_path):
    callback = scaling()
    trainer = lm.trainer(tmp_path, [callback], num_train_epochs=1, eval_strategy="epoch")
    trainer.train()
    key = callback.record.key
    trainer.train()
    assert callback.record.tokens_trained == EPOCH
    assert callback.record.key != key


def test_a_model_reused_after_an_error_is_counted_once(scaling, tmp_path):
    first, second = scaling(), scaling()
    failed = lm.trainer(tmp_path, [first, fails_at(3)], num_train_epochs=1)
    with pytest.raises(InjectedError):
        failed.train()
    lm.trainer(tmp_path, [second], of=failed.model, num_train_epochs=1).train()
    assert (first.record.tokens_trained, second.record.tokens_trained) == (3 * lm.BATCH * lm.LENGTH, EPOCH)
    assert not failed.model._forward_pre_hooks


@pytest.mark.slow
def test_a_compiled_model_is_counted_at_every_step(scaling, tmp_path):
    callback = scaling()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lm.trainer(tmp_path, [callback], num_train_epochs=2, torch_compile=True, torch_compile_backend="eager").train()
    assert callback.record.tokens_trained == 2 * EPOCH


def test_forward_passes_of_evaluation_and_generation_do_not_count(scaling, tmp_path):
    callback = scaling()
    trainer = lm.trainer(tmp_path, [callback, generates()], num_train_epochs=1, eval_strategy="steps", eval_steps=1, eval_on_start=True)
    trainer.train()
    trainer.evaluate()
    assert callback.record.tokens_trained == EPOCH
    assert len(callback.curve.tokens) == 6


def generates():
    from transformers import TrainerCallback

    class Generating(TrainerCallback):
        def on_step_end(self, args, state, control, model=None, **kwargs):
            model.generate(torch.zeros(1, 2, dtype=torch.long), attention_mask=torch.ones(1, 2, dtype=torch.long), max_new_tokens=2)

    return Generating()


def test_a_verdict_ends_the_training_and_saves_it(scaling, tmp_path, monkeypatch):
    monkeypatch.setattr("lightning_scaling.monitor.stopping.Stopper.decide", lambda *_: True)
    callback = scaling(stop=True)
    trainer = lm.trainer(tmp_path, [callback], max_steps=20, save_strategy="steps", save_steps=100, **STEPS)
    trainer.train()
    assert trainer.state.global_step == 2
    assert (tmp_path / "checkpoint-2" / "trainer_state.json").exists()


@pytest.mark.parametrize("part", ["begin_batch", "end_batch", "optimizer_step", "validated", "sync", "state_dict", "finish"])
def test_a_failing_part_ends_no_training(part, scaling, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise OSError("broken")

    monkeypatch.setattr(f"lightning_scaling.monitor.run_monitor.RunMonitor.{part}", broken)
    trainer = lm.trainer(tmp_path, [scaling()], max_steps=5, save_strategy="steps", save_steps=2, **STEPS)
    with pytest.warns(UserWarning, match="failed and is switched off"):
        trainer.train()
    assert trainer.state.global_step == 5


@pytest.mark.slow
def test_the_run_is_recorded_in_the_trainers_mlflow_run(scaling, tmp_path, new_store, monkeypatch):
    import mlflow

    uri = new_store(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("HF_MLFLOW_LOG_ARTIFACTS", "0")
    mlflow.set_tracking_uri(uri)
    callback = scaling()
    lm.trainer(tmp_path, [callback], num_train_epochs=2, eval_strategy="epoch", report_to=["mlflow"]).train()
    client = mlflow.tracking.MlflowClient(uri)
    (run,) = [found for each in client.search_experiments() for found in client.search_runs([each.experiment_id])]
    assert callback.record.run_id == run.info.run_id
    assert run.info.status == "FINISHED"
    assert run.data.metrics["scaling/tokens"] == 2 * EPOCH
    assert "eval_loss" in run.data.metrics
    assert run.data.tags["scaling.add_data"] in ("YES", "NO", "NOT_KNOWN")


def test_a_copy_keeps_the_options_and_the_readings(scaling, tmp_path):
    callback = scaling(monitor="eval_loss")
    lm.trainer(tmp_path, [callback], num_train_epochs=1, eval_strategy="epoch").train()
    for copied in (copy.deepcopy(callback), pickle.loads(pickle.dumps(callback))):
        assert copied.options.monitor == "eval_loss"
        assert copied.record.tokens_trained == EPOCH


def test_the_model_can_be_copied_and_saved_in_training(scaling, tmp_path):
    from transformers import TrainerCallback

    class Copying(TrainerCallback):
        def on_step_end(self, args, state, control, model=None, **kwargs):
            copy.deepcopy(model)(**{name: value[None] for name, value in lm.Rows(1)[0].items()})
            torch.save(model, tmp_path / "model.pt")

    callback = scaling()
    lm.trainer(tmp_path, [callback, Copying()], num_train_epochs=1).train()
    assert callback.record.tokens_trained == EPOCH


def test_an_optimizer_index_is_refused(scaling):
    with pytest.raises(ValueError, match="one optimiser"):
        scaling(optimizer=1)
