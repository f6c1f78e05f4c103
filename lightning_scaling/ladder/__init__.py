"""Runs of many sizes: planned, priced, trained by an engine, watched, resumed.

`design_file` reads a design into `cell`s, `run_ladder` drives an `engine` (`pool`, `ray_engine`, `slurm_engine`), `chain_training` is what
happens in a process, `training` one cell, `recorded` the state in the store, `status` how far all of it is. `tiny_gpt` is the bundled
builder, and `demo` runs a bundled design and shows its law.
"""
