"""The monitor in a YAML file: no code of yours changes.

python examples/lightning_cli.py fit --config examples/config.yaml
"""

from lightning.pytorch.cli import LightningCLI
from tiny_gpt import Text, TinyGPT

if __name__ == "__main__":
    LightningCLI(TinyGPT, Text)
