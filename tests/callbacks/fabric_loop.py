"""A training loop written with Lightning Fabric, and a script that runs it on the processes of torchrun.

torchrun fabric_loop.py FOLDER
"""

import sys
import warnings
from pathlib import Path

import torch
import training
from lightning.fabric import Fabric


def train(
    folder,
    callback,
    epochs,
    rows,
    batch=4,
    accumulate=1,
    max_steps=None,
    validate=True,
    save_at=None,
    fail_at=None,
    resume=False,
    devices=1,
):
    fabric = Fabric(accelerator="cpu", devices=devices, callbacks=[callback])
    fabric.launch()
    loader = fabric.setup_dataloaders(training.loader(rows, batch))
    module = training.model_class()(steps=max_steps or 200)
    (bare,), (config,) = module.configure_optimizers()
    model, optimizer = fabric.setup(module, bare)
    model.mark_forward_method("loss")
    state, path = {"model": model, "scaling": callback}, Path(folder) / "fabric.ckpt"
    if resume:
        fabric.load(path, state)
    fabric.call("on_train_start", model=model, optimizer=optimizer, scheduler=config["scheduler"], max_steps=max_steps)
    try:
        _loop(
            fabric, callback, model, optimizer, config["scheduler"], loader, (epochs, accumulate, validate, save_at, fail_at), state, path
        )
    except KeyError as error:
        fabric.call("on_exception", exception=error)
        raise
    fabric.call("on_train_end")
    return fabric


def _loop(fabric, callback, model, optimizer, scheduler, loader, asked, state, path):
    epochs, accumulate, validate, save_at, fail_at = asked
    done = 0
    for _ in range(epochs):
        for index, batch in enumerate(loader):
            fabric.call("on_train_batch_start", batch, index)
            loss = model.loss(batch)
            fabric.backward(loss / accumulate)
            done += 1
            if done == fail_at:
                raise KeyError("fails")
            if (index + 1) % accumulate == 0 or index + 1 == len(loader):
                fabric.call("on_before_optimizer_step", optimizer)
                optimizer.step()
                scheduler.step()
                optimizer.zero_grad()
            fabric.call("on_train_batch_end", loss.detach(), batch, index)
            if done == save_at:
                fabric.save(path, state)
        if validate:
            with torch.no_grad():
                fabric.call("on_validation_end", loss=model.loss(next(iter(loader))))
        if callback.should_stop:
            break


def main(folder):
    from lightning_scaling.callbacks.fabric import ScalingLawFabricCallback

    warnings.simplefilter("ignore")
    callback = ScalingLawFabricCallback(summary=False)
    fabric = train(folder, callback, epochs=2, rows=16, save_at=2, devices=2)
    text = "None"
    if callback.record is not None:
        saved = torch.load(Path(folder) / "fabric.ckpt", weights_only=False)["scaling"]["ledger"]["tokens"]
        text = f"{callback.record.tokens_trained} {saved}"
    (Path(folder) / f"tokens-{fabric.global_rank}.txt").write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
