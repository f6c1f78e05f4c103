"""What a monitor can be asked is checked when it is made, in one clear line."""

import pytest

from lightning_scaling.callbacks import ScalingLawMonitor

WRONG = {
    "params must be one of": {"params": "all"},
    "params must": {"params": 0},
    "flops must be one of": {"flops": "8N"},
    "tokens must be a callable": {"tokens": "words"},
    "unique_tokens must be positive": {"unique_tokens": 0},
    "monitor must be the name": {"monitor": ""},
    "level must lie": {"level": 1.5},
    "optimizer is the index": {"optimizer": -1},
    "siblings must be finished Curves": {"siblings": ["a run"]},
    "stop names verdicts among": {"stop": ("HALT",)},
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_argument_is_refused_in_one_line(message):
    with pytest.raises(ValueError, match=message) as refused:
        ScalingLawMonitor(**WRONG[message])
    assert "\n" not in str(refused.value)


def test_all_arguments_are_optional():
    assert ScalingLawMonitor().options.monitor == "val_loss"
