"""Runs of a store become points of one law only when they were counted one way."""

from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling import Curve, Prediction, RunRecord, RunState
from lightning_scaling.laws import Surface, bits_per_byte, finished, finished_table, fit_runs, fit_surface
from lightning_scaling.run.conventions import Conventions

LAW = Surface(1.69, 406.4, 410.7, 0.34, 0.28)


def record(params: float, tokens: float, **changes: object) -> RunRecord:
    curve = Curve([tokens / 2, tokens], LAW.predict(params, np.array([tokens / 2, tokens])), params=int(params))
    base = RunRecord(f"{params:g}-{tokens:g}", curve, curve.flops, Conventions(tokenizer="bytes"), state=RunState.FINISHED)
    return replace(base, **changes)  # type: ignore[arg-type]


RUNS = [record(n, d) for n in (1e7, 3e7, 1e8) for d in (1e9, 1e10, 1e11)]


def test_finished_runs_give_the_law_and_its_keys_and_conventions_back() -> None:
    law = fit_runs(RUNS, resamples=0).surface
    assert law.alpha == pytest.approx(0.34, rel=1e-9)
    assert sorted(law.procedure["runs"]) == sorted(r.key for r in RUNS)
    assert law.procedure["conventions"]["tokenizer"] == "bytes"


def test_interrupted_runs_and_those_without_a_loss_size_or_flops_are_left_out_with_the_reason() -> None:
    cut = record(3e8, 1e10, state=RunState.INTERRUPTED, name="cut")
    lost = replace(record(3e8, 1e9, name="lost"), curve=Curve([1e9], [np.nan], params=300))
    infinite = replace(record(3e8, 1e9, name="infinite"), curve=Curve([1e9], [1.797e308], params=300))
    sizeless = replace(record(3e8, 1e9, name="sizeless"), curve=Curve([1e9], [2.0]))
    free = replace(record(3e8, 1e9, name="free"), flops=np.zeros(2))
    runs = finished([*RUNS, cut, lost, infinite, sizeless, free])
    assert len(runs) == 9
    reasons = dict(runs.left_out)
    assert "include unfinished" in reasons["cut"]
    assert "loss" in reasons["lost"]
    assert "loss" in reasons["infinite"]
    assert "parameters" in reasons["sizeless"]
    assert "FLOPs" in reasons["free"]


def test_runs_that_a_tracker_calls_running_for_ever_are_counted_in_on_request() -> None:
    running = record(3e8, 1e10, state=RunState.RUNNING)
    assert len(finished([*RUNS, running])) == 9
    assert len(finished([*RUNS, running], unfinished=True)) == 10
    assert len(fit_runs([*RUNS, running], unfinished=True, resamples=0).runs) == 10


def test_a_run_that_reached_its_token_budget_is_finished_whatever_its_status() -> None:
    assert len(finished([record(3e8, 1e10, state=RunState.RUNNING, planned_tokens=10_000_000_000)])) == 1


def test_runs_that_the_last_advice_found_ill_do_not_bend_the_law() -> None:
    end = Prediction(5e9, 1e10, 2.0, 1.9, 2.1)
    wild = record(2e7, 1e10, name="wild", predictions=(replace(end, verdict="INVESTIGATE"),))
    wild = replace(wild, curve=Curve([5e9, 1e10], [9.0, 8.0], params=int(2e7)))
    turned = record(2e7, 1e10, name="turned", predictions=(replace(end, verdict="STOP"),))
    turned = replace(turned, curve=Curve([5e9, 1e10], [2.5, 3.1], params=int(2e7)))
    flat = record(2e7, 1e11, name="flat", predictions=(replace(end, verdict="STOP"),))
    fit = fit_runs([*RUNS, wild, turned, flat], resamples=0)
    assert len(fit.runs) == 10
    assert {name for name, _ in fit.runs.left_out} == {"wild", "turned"}
    assert fit.surface.alpha == pytest.approx(0.34, rel=1e-9)


def test_runs_with_a_single_validation_each_are_fitted() -> None:
    single = [replace(r, curve=r.curve.take(slice(1, 2)), flops=r.flops[1:]) for r in RUNS]
    fit = fit_runs(single, resamples=50)
    assert fit.surface.alpha == pytest.approx(0.34, rel=1e-6)
    assert fit.approaches is not None
    assert "two evaluations" in fit.approaches.table[0].because


def test_the_order_of_runs_moves_no_interval() -> None:
    noisy = [replace(r, curve=replace(r.curve, loss=r.curve.loss * (1 + 0.002 * (-1) ** i))) for i, r in enumerate(RUNS)]
    one, other = fit_runs(noisy, resamples=50).surface, fit_runs(noisy[::-1], resamples=50).surface
    assert one.interval("alpha") == other.interval("alpha")


@pytest.mark.parametrize(("params", "tokens", "doubt"), [(7.0, 300.0, 2), (7e9, 300.0, 1), (7e9, 3e11, 0)])
def test_small_numbers_raise_the_question_whether_they_are_in_billions(params: float, tokens: float, doubt: int) -> None:
    runs = finished_table([params, 2 * params], [tokens, 2 * tokens], [3.0, 2.5])
    assert len(runs.warnings) == doubt
    assert all("are these in billions?" in line for line in runs.warnings)


def test_a_run_of_another_length_at_the_compute_of_a_better_one_is_not_on_the_frontier() -> None:
    sizes = np.array([1e7, 1e8, 1e9])
    ladder = np.array([LAW.predict(n, 20 * n) for n in sizes])
    runs = finished_table([*sizes, 3e7], [*(20 * sizes), 600e7], [*ladder, LAW.predict(3e7, 600e7) * 1.05])
    assert runs.on_frontier.params.tolist() == sizes.tolist()


@pytest.mark.parametrize("other", [Conventions(params="non_embedding", tokenizer="bytes"), Conventions(tokenizer="gpt2")])
def test_runs_of_two_conventions_or_tokenizers_never_mix(other: Conventions) -> None:
    with pytest.raises(ValueError, match="different conventions"):
        finished([*RUNS, record(3e8, 1e10, conventions=other)])


def test_bits_per_byte_let_tokenizers_meet() -> None:
    assert bits_per_byte(np.log(2.0) * 4, 4.0) == pytest.approx(1.0)


def test_leaving_embeddings_out_moves_the_exponent_of_params() -> None:
    # GPTs of width w: 12·layers·w² weights in the blocks and 50 257·w in the embedding, as in Kaplan's and Hoffmann's counting.
    width = np.repeat([128, 256, 512, 1024, 2048], 6)
    blocks, embedding = 12 * width / 64 * width**2, 50_257 * width
    tokens = np.tile(np.geomspace(1e9, 1e11, 6), 5)
    loss = LAW.predict(blocks + embedding, tokens)
    counted, uncounted = (fit_surface(n, tokens, loss).surface.N_exponent for n in (blocks + embedding, blocks))
    assert counted == pytest.approx(LAW.N_exponent, rel=1e-6)
    assert abs(uncounted - counted) > 0.05


@pytest.mark.parametrize(
    ("params", "tokens", "loss", "doubt"),
    [(1e11, 1e9, 3.0, "were the columns exchanged"), (1e9, 1e11, 21.0, "perplexities"), (1e9, 1e11, 3.0, None)],
)
def test_tables_that_look_mistaken_are_asked_about(params: float, tokens: float, loss: float, doubt: str | None) -> None:
    found = finished_table([params, 2 * params], [tokens, 2 * tokens], [loss, 0.9 * loss]).warnings
    assert (not found) if doubt is None else doubt in found[0]
