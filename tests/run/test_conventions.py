"""Runs counted by different conventions never enter one fit."""

import pytest

from lightning_scaling.run.conventions import Conventions, require_same


def test_the_shared_convention_is_returned():
    assert require_same([Conventions(), Conventions()]) == Conventions()
    assert require_same([]) is None


def test_a_difference_is_named():
    with pytest.raises(ValueError, match="params: total against non_embedding"):
        require_same([Conventions(), Conventions(params="non_embedding")])


def test_losses_of_different_tokenizers_are_not_compared():
    with pytest.raises(ValueError, match="tokenizer: bytes against gpt2"):
        require_same([Conventions(tokenizer="bytes"), Conventions(tokenizer="gpt2")])
