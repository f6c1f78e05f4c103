"""Runs of a store become points of one law only when they were counted one way."""

from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling import Curve, RunRecord, RunState
from lightning_scaling.laws import Surface, bits_per_byte, finished, fit_records, fit_surface
from lightning_scaling.run.conventions import Conventions

LAW = Surface(1.69, 406.4, 410.7, 0.34, 0.28)


def record(params: float, tokens: float, **changes: object) -> RunRecord:
    curve = Curve([tokens / 2, tokens], LAW.predict(params, np.array([tokens / 2, tokens])), params=int(params))
    base = RunRecord(f"{params:g}-{tokens:g}", curve, curve.flops, Conventions(tokenizer="bytes"), state=RunState.FINISHED)
    return replace(base, **changes)  # type: ignore[arg-type]


RUNS = [record(n, d) for n in (1e7, 3e7, 1e8) for d in (1e9, 1e10, 1e11)]


def test_finished_runs_give_the_law_and_its_keys_and_conventions_back() -> None:
    law = fit_records(RUNS, resamples=0)
    assert law.alpha == pytest.approx(0.34, rel=1e-9)
    assert law.procedure["runs"] == [r.key for r in RUNS]
    assert law.procedure["conventions"]["tokenizer"] == "bytes"


def test_runs_cut_off_or_without_a_loss_are_left_out_and_named() -> None:
    cut = record(3e8, 1e10, state=RunState.CUT_OFF, name="cut")
    lost = replace(record(3e8, 1e9, name="lost"), curve=Curve([1e9], [np.nan], params=300))
    runs = finished([*RUNS, cut, lost])
    assert len(runs.loss) == 9
    assert dict(runs.left_out) == {"cut": str(RunState.CUT_OFF), "lost": "no finite loss"}


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
