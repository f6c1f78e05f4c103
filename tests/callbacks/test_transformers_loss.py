"""transformers.Trainer: which loss is followed, and what is refused before training."""

import pytest

pytest.importorskip("transformers")
import language_model as lm

pytestmark = pytest.mark.usefixtures("quiet_transformers")


def test_of_several_evaluation_sets_the_named_one_is_followed(scaling, tmp_path):
    callback = scaling(monitor="code_loss")
    validation = {"math": lm.Rows(4, seed=2), "code": lm.Rows(4, seed=3)}
    trainer = lm.trainer(tmp_path, [callback], validation=validation, num_train_epochs=2, eval_strategy="epoch")
    trainer.train()
    assert callback.record.conventions.loss == "eval_code_loss"
    assert callback.curve.loss.tolist() == [entry["eval_code_loss"] for entry in trainer.state.log_history if "eval_code_loss" in entry]


def test_of_several_evaluation_sets_losses_are_not_mixed(scaling, tmp_path):
    callback = scaling()
    validation = {"math": lm.Rows(4, seed=2), "code": lm.Rows(4, seed=3)}
    trainer = lm.trainer(tmp_path, [callback], validation=validation, num_train_epochs=2, eval_strategy="epoch")
    with pytest.warns(UserWarning, match="'eval_math_loss' is followed"):
        trainer.train()
    assert callback.curve.loss.tolist() == [entry["eval_math_loss"] for entry in trainer.state.log_history if "eval_math_loss" in entry]


def test_without_evaluation_the_logged_training_loss_is_followed_under_its_name(scaling, tmp_path):
    callback = scaling()
    with pytest.warns(UserWarning, match="the smoothed training loss is followed"):
        lm.trainer(tmp_path, [callback], max_steps=40, logging_steps=2).train()
    assert callback.record.conventions.loss == "train_loss"
    assert callback.record.planned_tokens == callback.record.tokens_trained
    assert len(callback.curve.tokens) >= 4


@pytest.mark.filterwarnings("ignore:scaling. there is no validation loss")
def test_an_evaluation_loss_that_is_reported_late_takes_over_from_the_training_loss(scaling, tmp_path, monkeypatch):
    callback = scaling()
    trainer = lm.trainer(tmp_path, [callback], validation=lm.Rows(4, seed=2), num_train_epochs=4, eval_strategy="epoch", logging_steps=1)
    evaluate = trainer.evaluation_loop

    def late(*given, **named):
        output = evaluate(*given, **named)
        if trainer.state.epoch < 3:
            output.metrics.pop("eval_loss")
        return output

    monkeypatch.setattr(trainer, "evaluation_loop", late)
    with pytest.warns(UserWarning, match="until then the training loss is followed"):
        trainer.train()
    assert (callback.record.conventions.loss, len(callback.curve)) == ("eval_loss", 2)


def test_a_wrong_name_is_refused_before_training(scaling, tmp_path):
    trainer = lm.trainer(
        tmp_path, [scaling(monitor="accuracy")], num_train_epochs=1, eval_on_start=True, eval_strategy="steps", eval_steps=2
    )
    with pytest.raises(ValueError, match="the validation logged no 'accuracy'"):
        trainer.train()
    assert trainer.state.global_step == 0


def test_batches_that_cannot_be_counted_are_refused_before_the_first_step(scaling, tmp_path):
    trainer = lm.trainer(tmp_path, [scaling(tokens=lambda batch: "many")], num_train_epochs=1)
    with pytest.raises(ValueError, match="tokens= must be or return"):
        trainer.train()
    assert trainer.state.global_step == 0
