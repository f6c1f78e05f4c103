"""A training on two processes whose weights are sharded: the script of test_sharded.py.

python sharded.py FOLDER DATA_PARALLEL TENSOR_PARALLEL
"""

import os
import sys
import warnings
from pathlib import Path

import torch

EPOCHS, ROWS = 2, 18


def model_class(training):
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.tensor import Replicate
    from torch.distributed.tensor.parallel import ColwiseParallel, parallelize_module

    class Sharded(training.model_class()):
        def configure_model(self):
            tensor, data = self.device_mesh["tensor_parallel"], self.device_mesh["data_parallel"]
            if tensor.size() > 1:
                parallelize_module(self, tensor, {"head": ColwiseParallel(output_layouts=Replicate())})
            if data.size() > 1:
                fully_shard(self.embed, mesh=data)
                fully_shard(self.head, mesh=data)

    return Sharded


def main(folder, data, tensor):
    import training
    from lightning.pytorch.strategies import ModelParallelStrategy

    from lightning_scaling.callbacks import ScalingLawMonitor

    warnings.simplefilter("ignore")
    monitor = ScalingLawMonitor(summary=False)
    strategy = ModelParallelStrategy(int(data), int(tensor), save_distributed_checkpoint=False, process_group_backend="gloo")
    made = training.trainer(folder, [monitor], max_epochs=EPOCHS, devices=2, strategy=strategy, val_check_interval=3)
    made.fit(model_class(training)(), training.loader(ROWS), training.loader(8, seed=1))
    if made.is_global_zero:
        training.tell(Path(folder), monitor, ROWS)
    leave()


def leave():
    """Together, and without the interpreter's farewell: a thread of gloo that still runs then aborted one process of several dozen."""
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
