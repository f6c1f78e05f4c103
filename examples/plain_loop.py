"""A loop without any trainer: what is counted, forecast and advised of a model that PyTorch alone trains.

python examples/plain_loop.py
"""

import pydoc_data.topics

import torch
from torch import nn

import lightning_scaling as ls

CONTEXT, BATCH, STEPS = 32, 16, 400
text = torch.tensor(list("\n".join(pydoc_data.topics.topics.values()).encode()))
windows = text.unfold(0, CONTEXT + 1, CONTEXT)
train, validation = windows[:-256], windows[-256:]

torch.manual_seed(0)
model = nn.Sequential(nn.Embedding(256, 32), nn.Linear(32, 128), nn.GELU(), nn.Linear(128, 256))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)


def loss_of(batch: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())


planned = {"token_budget": STEPS * BATCH * CONTEXT, "schedule": ls.Schedule.cosine(STEPS, end=0)}
with ls.RunMonitor(model=model, **planned, store="sqlite:///mlflow.db", run_name="plain loop") as run:
    for step in range(STEPS):
        batch = train[torch.randint(len(train), (BATCH,))]
        loss_of(batch).backward()
        optimizer.step()
        optimizer.zero_grad()
        run.step(tokens=BATCH * CONTEXT, lr=scheduler.get_last_lr()[0])
        scheduler.step()
        if (step + 1) % 20 == 0:
            with torch.no_grad():
                run.validated(loss_of(validation).item())
            if run.should_stop:
                break

print(f"Trained on {run.record.tokens_trained} tokens. {run.advice}")
