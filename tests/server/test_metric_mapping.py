"""The metric mapping of external runs, as an address carries it."""

from types import SimpleNamespace

import pytest

from lightning_scaling.server.metric_mapping import offers
from lightning_scaling.store import MetricMapping, Rejected
from lightning_scaling.store.mlflow.external import WAITING
from lightning_scaling.store.mlflow.mapping_choice import MappingChoice, MappingError


def test_numbers_are_read_as_people_write_them():
    assert MappingChoice("loss", tokens_per_step="0.5M", params="124M").names() == MetricMapping(
        "loss", tokens_per_step=5e5, params=124_000_000
    )


def test_what_is_no_number_names_what_holds_n():
    assert MappingChoice("loss", token_metric="seen", params="n_params").names() == MetricMapping("loss", tokens="seen", params="n_params")


def test_without_a_choice_nothing_is_read():
    assert MappingChoice().names() is None


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (MappingChoice(tokens_per_step="8"), "which metric is the loss"),
        (MappingChoice("loss"), "how tokens are counted"),
        (MappingChoice("loss", "seen", "8"), "not both"),
        (MappingChoice("loss", tokens_per_step="<many>"), "tokens per step must be a positive number such as 8192 or 0.5M, got '<many>'"),
        (MappingChoice("loss", tokens_per_step="-8"), "must be a positive number"),
        (MappingChoice("loss", tokens_per_step="8", params="0"), "parameters must be a positive number"),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_in_one_line(chosen, message):
    with pytest.raises(MappingError, match=message) as raised:
        chosen.names()
    assert "\n" not in str(raised.value)


def run(metrics, params=(), tags=()):
    return SimpleNamespace(data=SimpleNamespace(metrics=dict.fromkeys(metrics, 1.0), params=dict(params), tags=dict(tags)))


def test_metrics_are_offered_by_how_many_runs_have_them():
    given = [
        Rejected("a", "a", "e", "", run(["val_loss", "lr"], {"n": "1.3e8", "optimizer": "adam"})),
        Rejected("b", "b", "e", WAITING, run(["val_loss", "system/cpu"], {"n": "7e6"}, {"size": "12M", "mlflow.user": "3"})),
        Rejected("c", "c", "e", "damaged"),
    ]
    offered = offers(given, given[1:])
    assert (offered["runs"], offered["waiting"]) == (2, 1)
    assert offered["metrics"] == [("val_loss", 2), ("lr", 1)]
    assert offered["params"] == [("n", 2), ("size", 1)]


def test_the_mapping_of_the_command_line_is_that_of_the_page():
    written = MappingChoice.parse("loss=val/loss, tokens_per_step=0.5M, params=n_params")
    copied = MappingChoice.parse("?experiment=3&loss_metric=val%2Floss&tokens_per_step=0.5M&params=n_params")
    assert written == copied == MappingChoice("val/loss", tokens_per_step="0.5M", params="n_params")


@pytest.mark.parametrize("text", ["val_loss", "lose=val_loss,tokens_per_step=8", "experiment=3&run=x", ""])
def test_names_that_say_nothing_are_refused_with_the_form(text):
    with pytest.raises(MappingError, match="loss=val_loss,tokens_per_step=8192"):
        MappingChoice.parse(text)
