"""Trouble is reported once, and never ends a training."""

import pytest

from lightning_scaling.monitor.guard import Guard


def fail():
    raise ZeroDivisionError("division by zero")


def test_the_same_trouble_is_reported_once(capsys):
    guard = Guard()
    guard.warn("kind", "first")
    guard.warn("kind", "second")
    assert capsys.readouterr().out == "scaling: first\n"


def test_other_trouble_is_reported_too(capsys):
    guard = Guard()
    guard.warn("a", "first")
    guard.warn("b", "second")
    assert capsys.readouterr().out == "scaling: first\nscaling: second\n"


def test_trouble_is_a_warning_where_warnings_are_no_errors():
    with pytest.warns(UserWarning, match="scaling: first"):
        Guard().warn("kind", "first")


def test_a_part_that_fails_is_reported_with_its_cause_and_switched_off(capsys):
    guard, calls = Guard(), []
    assert guard.run("the fit", fail, default=7) == 7
    guard.attempt("the fit", lambda: calls.append(1))
    assert calls == []
    printed = "scaling: the fit failed and is switched off, training continues (ZeroDivisionError: division by zero)\n"
    assert capsys.readouterr().out == printed


def test_another_part_goes_on(capsys):
    guard = Guard()
    guard.attempt("the fit", fail)
    assert guard.run("the count", lambda: 3, default=0) == 3
    capsys.readouterr()


def test_ctrl_c_passes_through():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Guard().attempt("the fit", stop)


def test_only_the_first_process_speaks(capsys, monkeypatch):
    monkeypatch.setenv("RANK", "3")
    Guard().warn("kind", "first")
    assert capsys.readouterr().out == ""
