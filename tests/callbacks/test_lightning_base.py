"""One class that two Lightnings take for their own, however late the second one is loaded."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys

import pytest
from lightning_scaling.callbacks import ScalingLawMonitor
first = ScalingLawMonitor()
print("pytorch_lightning" in sys.modules)
import pytorch_lightning.callbacks as second
print(isinstance(ScalingLawMonitor(), second.Callback), isinstance(first, second.Callback))
import lightning.pytorch.callbacks as other
print(isinstance(first, other.Callback))
"""


@pytest.mark.slow
def test_a_monitor_is_a_callback_of_a_lightning_loaded_after_it_and_loads_none_itself():
    reported = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True).stdout.split()
    assert reported == ["False", "True", "True", "True"]
