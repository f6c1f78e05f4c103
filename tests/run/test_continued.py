"""A training that ended and was trained on in a run of its own is one run of a law."""

from dataclasses import replace

import numpy as np
import pytest

from lightning_scaling import Curve, RunRecord, RunState
from lightning_scaling.laws import finished
from lightning_scaling.run.continued import RESUMED_FROM, holds, joined, once
from lightning_scaling.run.conventions import Conventions
from lightning_scaling.run.thinning import thin


def record(end: int, key: str = "k", start: int = 1, shift: float = 0.0, state: RunState = RunState.FINISHED, **more: object) -> RunRecord:
    """A run with a point each million tokens, from `start` to `end` millions."""
    tokens = np.arange(start, end + 1) * 1e6
    curve = Curve(tokens, 2 + 100 / tokens**0.28 + shift, np.arange(start, end + 1) * 10.0, params=1000)
    return RunRecord(key, curve, curve.flops, Conventions(), state=state, **more)  # type: ignore[arg-type]


def test_a_run_that_ended_and_was_trained_longer_counts_once() -> None:
    short, long = record(10, name="short"), record(20, name="long")
    assert once([short, long]) == ([long], [(short, long)])
    assert once([long, short]) == ([long], [(short, long)])
    runs = finished([short, long])
    assert runs.records == (long,)
    assert runs.left_out == (("short", "continued as run long, which is counted"),)


def test_it_stays_until_the_longer_run_has_ended_too_unless_unfinished_runs_count() -> None:
    short, long = record(10), record(20, state=RunState.RUNNING)
    assert once([short, long])[0] == [short, long]
    assert finished([short, long]).records == (short,)
    assert finished([short, long], unfinished=True).records == (long,)


def test_branches_of_one_checkpoint_stay_two_runs() -> None:
    trunk = record(5)
    first, second = (
        replace(trunk, curve=Curve(np.r_[trunk.curve.tokens, more], np.r_[trunk.curve.loss, loss]), flops=np.ones(7))
        for more, loss in (([6e6, 7e6], [2.5, 2.4]), ([6e6, 9e6], [2.6, 2.3]))
    )
    assert once([first, second])[0] == [first, second]
    elsewhere = replace(second, curve=Curve(np.r_[trunk.curve.tokens, [8e6, 9e6]], np.r_[trunk.curve.loss, 2.6, 2.3]))
    assert once([first, elsewhere])[0] == [first, elsewhere]


@pytest.mark.parametrize("points", [(900, 2000), (1900, 2000), (401, 1200)])
def test_thinning_hides_no_continuation(points: tuple[int, int]) -> None:
    short, long = (thin(record(n)) for n in points)
    assert holds(long, short)
    assert not holds(thin(record(points[1], shift=1e-4)), short)


def test_a_tag_joins_runs_that_have_no_key_in_common() -> None:
    whole = record(20, key="whole")
    first = record(10, key="a", run_id="a")
    second = record(20, key="b", start=9, run_id="b", extra={RESUMED_FROM: "a"})
    third = record(30, key="c", start=21, run_id="c", extra={RESUMED_FROM: "b"})
    kept, left = once(joined([first, second]))
    assert [r.run_id for r in kept] == ["b"]
    assert [(old.run_id, new.run_id) for old, new in left] == [("a", "b")]
    for mine, theirs in zip(
        (kept[0].curve.tokens, kept[0].curve.loss, kept[0].curve.step, kept[0].flops),
        (whole.curve.tokens, whole.curve.loss, whole.curve.step, whole.flops),
        strict=True,
    ):
        assert np.array_equal(mine, theirs)
    kept, left = once(joined([third, second, first]))
    assert [len(r.curve) for r in kept] == [30]
    assert len(left) == 2


@pytest.mark.parametrize(
    "second",
    [
        record(10, key="b", run_id="b", extra={RESUMED_FROM: "a"}),  # counts from the start again
        record(20, key="b", start=5, shift=-1.0, run_id="b", extra={RESUMED_FROM: "a"}),  # at another level: another count of tokens
        replace(record(20, key="b", start=5, run_id="b", extra={RESUMED_FROM: "a"}), conventions=Conventions(loss="bits per byte")),
        record(20, key="b", start=5, run_id="b", extra={RESUMED_FROM: "gone"}),
        record(20, key="b", start=5, run_id="a", extra={RESUMED_FROM: "a"}),
    ],
)
def test_what_does_not_fit_together_is_not_joined(second: RunRecord) -> None:
    first = record(10, key="a", run_id="a")
    assert joined([first, second]) == [first, second]


def test_a_loop_of_tags_ends() -> None:
    a, b = record(10, key="a", run_id="a", extra={RESUMED_FROM: "b"}), record(20, key="b", start=11, run_id="b", extra={RESUMED_FROM: "a"})
    assert len(joined([a, b])) == 2
