"""A tiny GPT-2 in `transformers.Trainer` on real text; the only new line is the callback.

python examples/transformers_trainer.py
"""

import pydoc_data.topics

import torch
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from lightning_scaling.callbacks.transformers import ScalingLawCallback

CONTEXT = 32


class Text(torch.utils.data.Dataset):
    """Python's own reference manual, in bytes."""

    def __init__(self, part: slice) -> None:
        text = "\n".join(pydoc_data.topics.topics.values()).encode()
        self.windows = torch.tensor(list(text)).unfold(0, CONTEXT, CONTEXT)[part]

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.windows[index], "labels": self.windows[index]}


torch.manual_seed(0)
model = GPT2LMHeadModel(GPT2Config(vocab_size=256, n_positions=CONTEXT, n_embd=32, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0))
arguments = TrainingArguments(
    output_dir="trained",
    max_steps=200,
    learning_rate=3e-3,
    lr_scheduler_type="cosine",
    eval_strategy="steps",
    eval_steps=20,
    save_strategy="no",
    report_to=[],
    disable_tqdm=True,
    use_cpu=True,
)
scaling = ScalingLawCallback(store="sqlite:///mlflow.db", run_name="tiny GPT-2", tokenizer="bytes")
Trainer(model, arguments, train_dataset=Text(slice(0, -256)), eval_dataset=Text(slice(-256, None)), callbacks=[scaling]).train()

print(f"Trained on {scaling.record.tokens_trained} tokens. {scaling.advice}")
