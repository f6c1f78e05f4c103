"""Trouble is told once, and never ends a training."""

import pytest

from lightning_scaling.callbacks.warn_once import Once


def test_the_same_trouble_is_told_once(capsys):
    once = Once()
    once.warn("kind", "first")
    once.warn("kind", "second")
    assert capsys.readouterr().out == "scaling: first\n"


def test_other_trouble_is_told_too(capsys):
    once = Once()
    once.warn("a", "first")
    once.warn("b", "second")
    assert capsys.readouterr().out == "scaling: first\nscaling: second\n"


def test_trouble_is_a_warning_where_warnings_are_no_errors():
    with pytest.warns(UserWarning, match="scaling: first"):
        Once().warn("kind", "first")


def test_what_fails_inside_a_guard_is_told(capsys):
    with Once().guard("the fit"):
        _ = 1 / 0
    told = "scaling: the fit failed and training goes on without it (ZeroDivisionError: division by zero)\n"
    assert capsys.readouterr().out == told


def test_ctrl_c_passes_through_a_guard():
    with pytest.raises(KeyboardInterrupt), Once().guard("the fit"):
        raise KeyboardInterrupt
