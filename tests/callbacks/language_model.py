"""A random-init GPT-2 as small as it can be, its data and its `transformers.Trainer`; and a script for the distributed test.

torchrun language_model.py FOLDER
"""

import json
import os
import sys
import warnings
from pathlib import Path

import torch

VOCABULARY, WIDTH, LENGTH = 16, 8, 8
ROWS, BATCH = 22, 4  # an uneven last batch: 5 of 4 rows and one of 2


def model():
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    size = {"vocab_size": VOCABULARY, "n_positions": LENGTH, "n_embd": WIDTH, "n_layer": 1, "n_head": 1}
    return GPT2LMHeadModel(GPT2Config(**size, bos_token_id=0, eos_token_id=0, pad_token_id=0))


def params(of):
    return sum(p.numel() for p in of.parameters())


class Rows(torch.utils.data.Dataset):
    """Sequences of LENGTH tokens, as a data set of transformers holds them."""

    def __init__(self, rows=ROWS, seed=0):
        self.ids = torch.randint(0, VOCABULARY, (rows, LENGTH), generator=torch.Generator().manual_seed(seed))

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, index):
        return {"input_ids": self.ids[index], "labels": self.ids[index]}


def arguments(folder, **options):
    from transformers import TrainingArguments

    quiet = {"report_to": [], "disable_tqdm": True, "use_cpu": True, "save_strategy": "no", "dataloader_pin_memory": False}
    return TrainingArguments(output_dir=str(folder), **{**quiet, "per_device_train_batch_size": BATCH, "seed": 0, **options})


def trainer(folder, callbacks, of=None, train=None, validation=None, **options):
    from transformers import Trainer

    data = {"train_dataset": train or Rows(), "eval_dataset": validation or Rows(6, seed=1)}
    return Trainer(of or model(), arguments(folder, **options), callbacks=callbacks, **data)


def main(folder):
    from lightning_scaling.callbacks.transformers import ScalingLawCallback

    warnings.simplefilter("ignore")
    warnings.filterwarnings("error", "scaling:")
    scaling = ScalingLawCallback(summary=False)
    options = {"eval_strategy": "steps", "eval_steps": 2, "save_strategy": "steps", "save_steps": 2, "ddp_backend": "gloo"}
    made = trainer(folder, [scaling], num_train_epochs=2, gradient_accumulation_steps=2, **options)
    made.train()
    found = {"rank": int(os.environ["RANK"]), "read": scaling.record is not None}
    if found["read"]:
        record = scaling.record
        found |= {"tokens": record.tokens_trained, "flops": record.flops_spent, "budget": record.planned_tokens, "state": record.state.name}
        found |= {"points": record.curve.tokens.tolist(), "max_steps": made.state.max_steps}
    (Path(folder) / f"rank-{found['rank']}.json").write_text(json.dumps(found))
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
