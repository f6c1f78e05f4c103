"""`python -m lightning_scaling` is `lightning-scaling`."""

from lightning_scaling.cli import main

main(prog_name="lightning-scaling")
