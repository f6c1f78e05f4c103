"""A record as text and inside tags: small, exact, and distinguished from anything else."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lightning_scaling.run.curve import Curve
from lightning_scaling.run.record import RunRecord
from lightning_scaling.run.thinning import thin
from lightning_scaling.store.mlflow.record_tags import LENGTH, TAG, from_tags
from lightning_scaling.store.mlflow.record_tags import to_tags as tags_of
from lightning_scaling.store.record_packing import Unreadable, pack

Make = Callable[..., RunRecord]


def to_tags(record: RunRecord) -> dict[str, str]:
    return tags_of(pack(record))


def same(a: RunRecord, b: RunRecord) -> bool:
    return json.dumps(a.to_json()) == json.dumps(b.to_json())


def test_a_record_comes_back_exactly(record: Make) -> None:
    assert same(from_tags(to_tags(record(points=37))), record(points=37))


@pytest.mark.parametrize("loss", [[5.0, np.nan, 3.0], [1 / 3, 2 / 3, np.pi], [1e-300, 1e300, np.nan]])
def test_any_loss_comes_back_to_the_last_bit(loss: list[float], record: Make) -> None:
    curve = Curve([1.5, 2.25, 1e17], loss)
    given = RunRecord("k", curve, np.array([1.0, 5.0, 1e26]))
    back = from_tags(to_tags(given))
    assert np.array_equal(back.curve.loss, loss, equal_nan=True)
    assert np.array_equal(back.curve.tokens, curve.tokens)
    assert np.array_equal(back.flops, given.flops)


def test_an_empty_run_is_a_record_too() -> None:
    empty = RunRecord("k", Curve([], []), np.array([]))
    assert same(from_tags(to_tags(empty)), empty)


def test_every_tag_fits_and_four_hundred_noisy_points_take_two(record: Make) -> None:
    long = record(points=20_000)
    noisy = long.curve.loss * (1 + 0.01 * np.random.default_rng(0).standard_normal(20_000))
    tags = to_tags(RunRecord("k", Curve(long.curve.tokens, noisy, long.curve.step, long.curve.schedule, 7), long.flops))
    assert max(map(len, tags.values())) <= LENGTH <= 5000
    assert len(tags) <= 4
    assert len(from_tags(tags).curve) == 400


def test_tags_of_a_longer_older_record_do_not_disturb(record: Make) -> None:
    old, new = to_tags(record(points=400, extra={"notes": [f"{i * 7919}" for i in range(3000)]})), to_tags(record(points=5))
    assert len(old) > len(new)
    assert same(from_tags({**old, **new}), record(points=5))


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({TAG: None}, "no scaling.record"),
        ({f"{TAG}.0": None}, "no scaling.record.0"),
        ({TAG: "1 1 00000000"}, "checksum"),
        ({TAG: "nonsense"}, "damaged"),
        ({TAG: "9 1 00000000"}, "newer version"),
        ({f"{TAG}.0": "!!!"}, "damaged"),
    ],
)
def test_damage_is_named(change: dict[str, str | None], names: str, record: Make) -> None:
    tags = {k: v for k, v in {**to_tags(record()), **change}.items() if v is not None}
    with pytest.raises(Unreadable, match=names):
        from_tags(tags)


def test_a_store_written_under_the_first_schema_is_read() -> None:
    kept = json.loads((Path(__file__).parent / "schema_1.json").read_text())
    assert same(from_tags(kept["tags"]), RunRecord.from_json(kept["record"]))
    assert from_tags(kept["tags"]).conventions.tokenizer == "bytes"


def test_thinning_a_short_record_changes_nothing(record: Make) -> None:
    assert same(thin(record()), RunRecord.from_json({**record().to_json()}))
