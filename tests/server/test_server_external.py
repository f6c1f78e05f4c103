"""External runs join the picture once their metrics are mapped."""

import json
import time
import urllib.error

import pytest

NAMES = "loss_metric=val_loss&tokens_per_step=4096&params=n_params"


@pytest.fixture(scope="module")
def theirs(store, server, ask):
    """The id of an experiment with four runs of a plain logger and one without a loss."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(store.uri)
    store.ids["theirs"] = experiment = client.create_experiment("theirs")
    for size in (1_000_000, 2_000_000, 4_000_000, 8_000_000):
        run = client.create_run(experiment, run_name=f"<i>baseline</i> {size}").info.run_id
        points = [Metric("val_loss", 2 + 400 / size**0.34 + 4 / step**0.3, step, step) for step in range(99, 2000, 100)]
        client.log_batch(run, points, [Param("n_params", str(size)), Param("optimizer", "adam")])
        client.set_terminated(run)
    other = client.create_run(experiment, run_name="a classifier").info.run_id
    client.log_metric(other, "accuracy", 0.5)
    client.set_terminated(other)
    while experiment not in {each["id"] for each in ask(f"{server}/scaling/data/experiments", read=True)}:
        time.sleep(0.1)  # the server may know the list of a moment ago
    return experiment


def test_a_form_takes_their_names_and_the_address_keeps_them(look, theirs):
    seen = look("theirs")
    assert seen.chart("runs") == "0"
    assert seen.page.inner_text("#external > summary").startswith("5 runs here were logged by other programs")
    assert seen.page.input_value("#external [name=loss_metric]") == "val_loss"
    assert seen.page.input_value("#external [name=params]") == "n_params"
    seen.page.fill("#external [name=tokens_per_step]", "4096")
    seen.page.click("#external .go")
    seen.until('#loss-chart[data-runs="4"]')
    seen.until("#law table")
    assert NAMES in seen.page.url
    assert "4 of 5 external runs are shown" in seen.page.inner_text("#external > summary")
    assert "8.19M" in seen.page.inner_text("#runs tbody tr >> nth=0")  # 2 000 steps of 4 096 tokens
    assert "<i>baseline</i> 1000000" in seen.page.inner_text("#runs tbody tr >> nth=0")
    assert seen.console == []


def test_a_shared_address_shows_the_same_runs_and_one_of_them_in_full(look, theirs):
    seen = look("theirs", more=f"&{NAMES}")
    seen.until('#loss-chart[data-runs="4"]')
    seen.page.click("#runs tbody tr .name >> nth=0")
    seen.until("#side .pairs")
    assert "finished" in seen.page.inner_text("#side .pairs")
    seen.page.click("#external > summary")
    seen.page.click("#external button:has-text('leave them out')")
    seen.page.wait_for_selector('#loss-chart[data-runs="0"]', state="attached", timeout=60_000)  # a chart of no runs is hidden
    assert "loss_metric" not in seen.page.url


def test_without_n_they_are_shown_over_tokens(look, theirs):
    seen = look("theirs")
    seen.page.fill("#external [name=tokens_per_step]", "4k")
    seen.page.fill("#external [name=params]", "")
    seen.page.click("#external .go")
    seen.until('#loss-chart[data-runs="4"]')
    assert "tokens" in seen.chart("x")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("loss_metric=val_loss&tokens_per_step=many", "tokens per step must be a positive number such as 8192 or 0.5M, got 'many'"),
        ("loss_metric=val_loss", "choose how tokens are counted"),
        ("loss_metric=nothing&tokens_per_step=8", "None of them can be read by this mapping: no metric 'nothing' (it has val_loss)."),
    ],
)
def test_a_mapping_that_cannot_be_used_is_explained_in_one_line(look, theirs, names, message):
    seen = look("theirs", more=f"&{names}")
    assert message in seen.page.inner_text("#external [role=alert]")
    assert seen.chart("runs") == "0"
    assert seen.console == []


def test_files_hold_them_too_and_refuse_bad_names(ask, server, theirs):
    assert ask(f"{server}/scaling/data/runs.csv?experiment={theirs}&{NAMES}")[2].count(b"\n") == 5
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(f"{server}/scaling/data/runs.csv?experiment={theirs}&loss_metric=val_loss")
    assert refused.value.code == 400
    assert "how tokens are counted" in json.loads(refused.value.read())["message"]
