"""A training whose processes are spawned: the script of test_spawned.py.

python spawned.py FOLDER STORE

Spawned processes import this file, so the model is a class of the module.
"""

import sys
import warnings

import training

EPOCHS, ROWS = 2, 32


class Spawned(training.model_class()):
    pass


def main(folder, store):
    from lightning.pytorch.callbacks import ModelCheckpoint

    from lightning_scaling.callbacks import ScalingLawMonitor

    warnings.simplefilter("ignore")
    warnings.filterwarnings("always", "scaling:")
    monitor, saver = ScalingLawMonitor(store=store, summary=False), ModelCheckpoint(folder, save_last=True)
    more = {"devices": 2, "strategy": "ddp_spawn", "max_epochs": EPOCHS, "val_check_interval": 2, "enable_checkpointing": True}
    made = training.trainer(folder, [monitor, saver], **more)
    made.fit(Spawned(), training.loader(ROWS), training.loader(8, seed=1))
    assert monitor.record is None


if __name__ == "__main__":
    main(*sys.argv[1:])
