"""What training scripts print is the same run, whatever the program; formats as their programs write them."""

import json

import numpy as np
import pytest
from importers_truth import LOSS, RATE, STEPS, lines, same_losses

from lightning_scaling.importers import read_run

FORMATS = {
    "nanoGPT log": "iter {s}: loss {x:.5f}, time 123.45ms, mfu 30.00%",
    "modded-nanogpt log": "step:{s}/4000 train_loss:{x:.5f} train_time:{s}00ms step_avg:100.1ms",
    "llm.c log": "s:{s} trl:{x:.5f} lr:{r:.6e} norm:1.20",
    "build-nanogpt log": "{s} train {x:.5f}",
    "litgpt log": "Epoch 1 | iter {s4} step {s} | loss train: {x:.5f}, val: n/a | iter time: 412.33 ms (step) "
    "remaining time: 1 day, 3:12:33",
    "torchtitan log": "[rank0]:[titan] 2025-02-03 10:11:12,123 - root - INFO - \x1b[31mstep: {s:2}  \x1b[32mloss: {x:8.5f} "
    " \x1b[33mmemory: "
    "47.19GiB(59.65%)  \x1b[34mtps: 5,836  \x1b[36mtflops: 337.99  \x1b[35mmfu: 34.18%\x1b[39m",
    "Megatron log": " [2025-02-03 10:11:12] iteration {s:8d}/    4000 | consumed samples: {s256:12d} | elapsed time per "
    "iteration (ms): 1234.5 | "
    "learning rate: {r:.6E} | global batch size:   256 | lm loss: {x:.6E} | loss scale: 1.0 | grad norm: 0.512 |",
    "NeMo log": "Training epoch 0, iteration {s}/3999 | lr: {r:.4e} | global_batch_size: 256 | global_step: {s} | "
    "reduced_train_loss: {x:.5f} | "
    "train_step_timing in s: 1.25 | consumed_samples: {s256}",
    "nanochat log": "step {s:05d}/4000 (1.25%) | loss: {x:.5f} | grad norm: 0.5 | lrm: {r:.6e} | dt: 480.12ms | tok/sec: "
    "1,091,234 | mfu: 48.10",
}
OTHERS = [
    "step {s:5d} | loss: {x:.5f} | lr {r:.4e} | norm: 1.2000 | dt: 350.10ms | tok/sec: 1500000.12",
    "step {s:4d}/4000 | loss {x:.5f} (+nanz)| norm 1.2 (+nanz)| lr {r:.2e} | 175.23 ms | 45.0% bf16 MFU | 2991234 tok/s",
    "2023-01-02 10:11:12 | INFO | train_inner | epoch 001: {s} / 4000 loss={x:.5f}, ppl=9.1, wps=1234.5, num_updates={s}, lr={r:.4e}",
    "Epoch 0:  3%|#     | {s}/4000 [01:00<02:00, 12.34it/s, loss={x:.5f}, v_num=3]",
    "[{s:5d}/4000] loss = {x:.5f}",
    "[2025-01-01 10:00:00] [step {s:,}] train loss {x:.5f} (avg 9.3)",
    "Step: {s} Train Loss: {x:.5f}",
    "INFO:root:iteration={s} loss={x:.5e} lr={r:.4e}",
    "I0823 12:00:00.123456 140123 writer.py:48] [{s}] accuracy=0.12, learning_rate={r:.4e}, loss={x:.5f}",
    "{s} | loss {x:.5f} | lr {r:e} | 120.11ms | mfu 31.00%",
    "completed step: {s}, seconds: 3.2, TFLOP/s/device: 123.4, Tokens/s/device: 2444.1, total_weights: 65536, loss: {x:.5f}",
    "Epoch:[1/1]({s}/4000) loss:{x:.5f} lr:{r:.8f} epoch_Time:20.0min:",
    "Steps:   1%|1         | {s}/4000 [02:03<10:20,  1.20it/s, lr={r:.3e}, step_loss={x:.5f}]",
    "INFO :: Progress on:train {k}kit/4kit rate:1.2it/s remaining:2:30:00 elapsed:00:10 postfix:loss={x:.5f}",
    "validate step: {s} loss: 9.9\nstep: {s} loss: {x:.5f} tps: 7,123",
    "| valid | epoch 001 | loss 9.9 | num_updates {s}\n| train_inner | epoch 001: loss={x:.5f}, num_updates={s}, lr={r:.4e}",
    "[2020-01-01 10:00:00] Ep. 1 : Up. {s} : Sen. {s256:,} : Cost {x:.8f} * 1,234,567 @ 4,321 after 9,999 : Time 60.00s : 12345.67 words/s "
    ": gNorm 0.5 : L.r. {r:.4e}",
    "train:  1%|#     | {s}/4000 [00:10<00:30, 40.00it/s, loss={x:.5f}]",
    "------------\n| time/  |\n|    total_timesteps | {s}  |\n| train/ |\n|    learning_rate   | {r:.4e} |\n|    loss         | {x:.5f} |",
    "{{'accuracy': 0.1,\n 'learning_rate': {r:.4e},\n 'loss': {x:.5f},\n 'step': {s}}}",
    "step {s} loss tensor({x:.5f}, device='cuda:0', grad_fn=<NllLossBackward0>)",
    "{{'loss': np.float64({x:.5f}), 'learning_rate': np.float64({r}), 'step': {s}}}",
    "[2023/05/10 10:00:00] ppcls INFO: [Train][Epoch 1/1][Iter: {s}/4000]lr(PiecewiseDecay): {r:.8f}, CELoss: 9.0, loss: {x:.5f}, "
    "reader_cost: 9.0",
    "step {s} | best loss 1.0 | min loss 1.0 | loss {x:.5f}",
    "step {s} loss.....{x:.5f} | saved /out/ckpt-step=7-loss=1.0.pt",
    "{s}it [00:12, 3.2it/s, loss={x:.5f}]",
    "INFO DEBUG step {s} Loss -> {x:.5f}",
    "[step={s}/4,000,epoch=1]\n    optim/LR (group 0)={r:.4e}\n    optim/LR (group 1)=1\n    train/CE loss={x:.5f}",
]


@pytest.mark.parametrize("kind", FORMATS)
def test_the_log_of_a_program_is_known_by_its_lines(file, kind):
    assert same_losses(file("train.log", ["compiling the model ...", *lines(FORMATS[kind])])).kind == kind


@pytest.mark.parametrize("form", [*FORMATS.values(), *OTHERS])
def test_names_before_numbers_are_read_whatever_separates_them(file, form):
    held = "loss" if form.startswith("valid") else "loss" if "| valid |" in form else None
    reading = same_losses(file("train.log", "\n".join(lines(form))), **({"columns": {"loss": held}} if held else {}))
    if "{r" in form:
        assert reading.curve.schedule is not None
        np.testing.assert_allclose(reading.curve.schedule.lr, RATE, rtol=5e-3)


@pytest.mark.parametrize("form", OTHERS)
def test_what_else_is_printed_is_counted(file, form):
    noise = ["Traceback (most recent call last):", "saving checkpoint to out/", "sample 0: my loss is a great one", "| epoch | of | fire |"]
    reading = same_losses(file("train.log", [*noise, *lines(form), *noise]))
    assert sum(each["rows"] for each in reading.skipped if each["reason"].startswith("no step")) >= 8


def test_keras_prints_the_epoch_on_a_line_of_its_own(file):
    printed = [
        line
        for k, x in enumerate(LOSS, 1)
        for line in (
            f"Epoch {k}/100",
            f"1563/1563 [=====] - 12s 8ms/step - loss: 9.0 - accuracy: 0.4 - val_loss: {x:.5f} - val_accuracy: 0.4",
        )
    ]
    assert same_losses(file("keras.txt", printed), np.arange(1, 51)).clock == "epoch"


@pytest.mark.parametrize("quote", ["", "'"])
def test_dictionaries_that_transformers_prints(file, quote):
    printed = [
        f"{{'loss': {quote}{x:.5f}{quote}, 'learning_rate': {quote}{r:.4e}{quote}, 'epoch': {quote}{s / 100}{quote}}}"
        for s, x, r in zip(STEPS, LOSS, RATE, strict=True)
    ]
    reading = same_losses(file("out.txt", [*printed, "{'train_runtime': 100.1, 'train_loss': 3.5, 'epoch': 20.0}"]), STEPS / 100)
    assert reading.lr is not None


def test_a_line_of_several_rows_of_names_belongs_to_its_step(file):
    printed = [
        f"[step={s}/4000]\n    optim/grad_norm=0.5\n    train/CrossEntropyLoss={x:.5f}\n    optim/lr={r:.4e}"
        for s, x, r in zip(STEPS, LOSS, RATE, strict=True)
    ]
    assert same_losses(file("olmo.log", printed)).lr == "optim/lr"


def test_tokens_on_a_line_of_their_own_are_a_clock_beside_the_step(file):
    printed = [f"[step={s}]\n  optim/lr={r}\n  total tokens={512 * s:,}\n  CE loss={x}" for s, x, r in zip(STEPS, LOSS, RATE, strict=True)]
    reading = same_losses(file("olmo.log", "\n".join(printed)), 512 * STEPS)
    assert (reading.lr, reading.facts["tokens_per_step"]) == ("optim/lr", 512)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    "form",
    [
        "Epoch: [{e}][ {b}/500] Loss {x:.5f} (9.9)",
        "Epoch(train)  [{e}][ {b}/500]  loss: {x:.5f}",
        "| epoch {e} | {b}/500 batches | loss {x:.5f}",
    ],
)
def test_bars_of_epochs_are_steps_of_the_run(file, form, first):
    printed = [form.format(e=(s - 1) // 500 + first, b=(s - 1) % 500 + 1, x=x) for s, x in zip(STEPS, LOSS, strict=True)]
    assert same_losses(file("train.log", printed)).facts["steps_per_epoch"] == 500


def test_a_bar_that_counts_samples_is_a_share_of_its_epoch(file):
    printed = [
        f"Train Epoch: {(s - 1) // 500 + 1} [{64 * ((s - 1) % 500 + 1)}/32000 (3%)]\tLoss: {x:.5f}"
        for s, x in zip(STEPS, LOSS, strict=True)
    ]
    assert same_losses(file("mnist.log", printed), STEPS / 500).clock == "epoch"


def test_of_a_bar_that_is_drawn_again_the_whole_epoch_counts(file):
    printed = [
        line
        for k, x in enumerate(LOSS, 1)
        for line in (f"Epoch {k}/100", "  1/1563 [....] - ETA: 1:00 - loss: 99.9", f"1563/1563 [====] - 12s - loss: {x:.5f}")
    ]
    same_losses(file("keras.txt", printed), np.arange(1, 51))


def test_parts_of_a_line_in_brackets(file):
    printed = [f"(trainer:338) INFO: {k}epoch results: [train] loss=9.0, [valid] loss={x:.5f}, time=2" for k, x in enumerate(LOSS, 1)]
    assert same_losses(file("train.log", printed), np.arange(1, 51)).loss == "valid loss"


def test_the_script_before_its_own_log_is_no_log(file):
    code = ["step = 5 ; loss = 4", "print(f'step:{step} val_loss:{x}')", "=" * 100]
    assert same_losses(file("log.txt", [*code, *lines(FORMATS["modded-nanogpt log"])])).skipped[0]["rows"] == 3


def test_lines_of_a_log_in_json(file):
    printed = [json.dumps({"log": line + "\n", "stream": "stdout"}) for line in lines("step {s} loss {x:.5f} lr {r:.4e}")]
    assert same_losses(file("container.log", printed)).kind == "text log in JSON lines"


def test_epoch_and_batch_in_brackets(file):
    printed = [f"[{(s - 1) // 500 + 1}, {(s - 1) % 500 + 1:5d}] loss: {x:.5f}" for s, x in zip(STEPS, LOSS, strict=True)]
    assert "4 times" not in same_losses(file("cifar.log", printed), STEPS).remarks[0]


def test_boosting_prints_its_iteration_before_what_it_learns(file):
    printed = [f"{k}:\tlearn: 9.0\ttest: {x:.7f}\tbest: {x:.7f} ({k})\ttotal: 60ms\tremaining: 1m 3s" for k, x in enumerate(LOSS, 1)]
    assert same_losses(file("train.log", printed), np.arange(1, 51)).remarks == ["train loss (50 points) is not followed"]


def test_progress_in_percent_is_a_clock_of_a_hundred_steps(file):
    bars = [f"Progress: {2 * k:5.1f}% words/sec/thread: 12345 lr:  0.09 avg.loss:  {x:.6f} ETA:   0h 1m 2s" for k, x in enumerate(LOSS, 1)]
    reading = same_losses(file("train.log", "\r".join(bars) + "\n"), np.arange(2, 101, 2))
    assert reading.facts["total_steps"] == 100
    assert any("progress in percent" in remark for remark in reading.remarks)


def test_what_is_stated_above_a_log_counts_for_its_run(file):
    head = ["tokens per iteration will be: 491,520", "number of parameters: 123.59M", "decayed parameter tensors: 50, with 124,354,560"]
    reading = same_losses(file("train.log", [*head, *lines("iter {s}: loss {x:.5f}, time 1ms")]), 491520 * STEPS)
    assert reading.curve.params == 123_590_000
    assert {"tokens_per_step 491520 from row 1", "params 1.2359e+08 from row 2"} <= set(reading.remarks)


@pytest.mark.parametrize(
    "tail", ["iter 2040: loss 3", "iter 2040: loss 2.91234, ti", "iter 20", "iter 2040: loss 2.91234, time 1ms, lr 1.2e"]
)
def test_a_line_that_is_still_being_written_is_left_out(file, tail):
    written = "\n".join([*lines("iter {s}: loss {x:.5f}, time 1ms, lr {r:.4e}"), tail])
    for options in ({}, {"pattern": "iter {step}: loss {loss}, time {}ms, lr {lr}"}):
        skipped = same_losses(file("train.log", written), **options).skipped
        assert skipped == [{"reason": "half-written last row", "rows": 1, "first_row": 51}]


@pytest.mark.parametrize("form", ["iter {s}: loss {x:.5f}, time 1ms", "iter {s} loss {x}"])
def test_a_whole_last_line_without_an_end_is_kept(file, form):
    assert same_losses(file("train.log", "\n".join(lines(form)))).skipped == []


def test_decimal_commas_in_a_text(file):
    assert (
        "decimal commas"
        in same_losses(file("train.log", [line.replace(".", ",") for line in lines("Schritt {s}: step {s} loss {x:.5f}")])).remarks
    )


def test_a_text_without_a_loss_is_refused_with_what_would_help(file):
    with pytest.raises(ValueError, match="--pattern"):
        read_run(file("poem.txt", ["The sea was calm.", "Step by step the ship", "lost its way."]))
