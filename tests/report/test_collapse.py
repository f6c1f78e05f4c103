"""A run beside its family, and its measured annealed loss: recorded or read now, drawn, and set beside what is different about the run."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling.advice.family import read_family
from lightning_scaling.report import run_page, write_report
from lightning_scaling.report.averaged import averaged_of, averaged_words
from lightning_scaling.report.collapse import collapse_of
from lightning_scaling.report.figures import averaged_panel, collapse_panel
from lightning_scaling.report.siblings import beside, siblings_of
from lightning_scaling.run.record import RunRecord

SIZES = (1_000_000, 2_000_000, 4_000_000)


@pytest.fixture(scope="module")
def family(make_run):
    return [make_run(n, points=160, run_id=str(n)) for n in SIZES]


@pytest.fixture(scope="module")
def ill(make_run):
    """2 % worse from 60 % of its budget on."""
    run = make_run(8_000_000, points=160, seed=3, run_id="ill")
    tokens = run.curve.tokens
    return replace(run, curve=replace(run.curve, loss=run.curve.loss * np.where(tokens > 0.6 * tokens[-1], 1.02, 1.0)))


def with_averages(run):
    """A dozen evaluations of averaged weights, 3 % below."""
    every = np.arange(len(run.curve)) % 12 == 11
    return replace(run, curve=replace(run.curve, averaged_loss=np.where(every, 0.97 * run.curve.loss, np.nan)))


def test_a_run_without_a_recorded_comparison_is_read_against_its_siblings(family, ill):
    found = collapse_of(ill, [each.curve for each in family])
    assert found.departs
    assert 0.6 <= found.since <= 0.65
    assert found.among.shape == (3, len(found.x))
    assert collapse_of(ill) is None


def test_the_recorded_comparison_is_drawn_without_any_sibling_at_hand(family, ill):
    reading = read_family(ill.curve, float(ill.tokens), [each.curve for each in family])
    kept = RunRecord.from_json(json.loads(json.dumps(replace(ill, extra={"family": reading.to_json()}).to_json())))
    (axes,) = collapse_panel(collapse_of(kept)).axes
    (line,) = [each for each in axes.lines if each.get_gid() == "run"]
    assert line.get_ydata() == pytest.approx(np.expm1(reading.r), abs=1e-5)
    assert len([each for each in axes.lines if each.get_gid() == "sibling"]) == 3
    assert [each for each in axes.lines if each.get_gid() == "since"]


def test_comparisons_of_older_stores_and_of_other_programs_are_read_or_left_out(family, ill):
    document = read_family(ill.curve, float(ill.tokens), [each.curve for each in family]).to_json()
    old = {name: value for name, value in document.items() if name != "among"}
    assert len(collapse_of(replace(ill, extra={"family": old})).among) == 0
    for unknown in ("gpt", {"x": 1}, {**document, "r": [1.0]}, {**document, "outcome": "?"}):
        assert collapse_of(replace(ill, extra={"family": unknown})) is None


def test_what_is_drawn_of_averaged_weights_is_what_was_measured(ill):
    run = with_averages(ill)
    pairs = averaged_of(run.curve)
    assert pairs.averaged == pytest.approx(0.97 * pairs.loss)
    (line,) = [each for each in averaged_panel(run).axes[0].lines if each.get_gid() == "averaged"]
    assert set(line.get_ydata()) <= set(pairs.averaged)
    assert "3.0 % below that of the last weights" in averaged_words(run.curve)
    assert averaged_words(ill.curve) == ""
    assert averaged_of(replace(ill.curve, averaged_loss=ill.curve.loss)) is None


def test_a_run_s_page_has_both(family, ill):
    page = run_page(with_averages(ill), [each.curve for each in family])
    assert "Departs from its family" in page
    assert "Its annealed loss, measured" in page
    assert "Beside its family" not in run_page(ill)


def test_the_report_sets_the_collapse_beside_what_is_different(family, ill, make_run, tmp_path):
    healthy = [make_run(8_000_000, points=160, seed=seed, run_id=f"seed-{seed}", name=f"seed-{seed}") for seed in (4, 5)]
    advised = replace(make_run(8_000_000).predictions[-1], verdict="INVESTIGATE", because="departs from its family")
    runs = [*family, *healthy, replace(ill, name="worse", predictions=(advised,))]
    page = write_report(
        tmp_path, runs, png=False, facts_of=lambda some: {r.run_id: {"params.lr": "1" if r.run_id == "ill" else "2"} for r in some}
    )
    article = page.read_text().split("<article>")[1].split("</article>")[0]
    assert "its loss above that of its family" in article
    assert "2 finished runs of this size and about this length ended at" in article
    assert [cell in article for cell in ("params.lr", '<td class="value">1</td>', '<td class="value">2</td>')] == [True] * 3


def test_siblings_are_finished_runs_of_this_size_and_about_this_length(make_run):
    run, same, cut, longer = (
        make_run(10**6, run_id=str(i), **more) for i, more in enumerate(({}, {"seed": 1}, {"seen": 0.5}, {"tokens_per_param": 90}))
    )
    assert siblings_of(run, [run, same, cut, longer, make_run(2 * 10**6, run_id="9")]) == [same]
    found = beside(run, [same], {"0": {"params.lr": "1", "metrics.loss": 1.0}, "1": {"params.lr": "2", "tags.mlflow.user": "a"}})
    assert found.differs == [["params.lr", "1", "2"]]


def test_a_comparison_that_was_not_possible_is_words_only(ill, make_run, tmp_path):
    short = make_run(1_000_000, tokens_per_param=2)
    kept = json.loads(json.dumps(collapse_of(ill, [short.curve]).to_json()))
    found = collapse_of(replace(ill, extra={"family": kept}))
    assert (len(found.x), len(found.drift)) == (0, 0)
    assert "Not compared with its family" in run_page(replace(ill, extra={"family": kept}))
