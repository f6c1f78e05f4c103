"""A saved law comes back the same; a damaged or unknown file is one clear error."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lightning_scaling.laws import fit_surface, load, save

Sweep = Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]


def test_a_law_comes_back_with_intervals_points_and_procedure(sweep: Sweep, tmp_path: Path) -> None:
    law = fit_surface(*sweep(noise=0.005), resamples=100, seed=3, notes={"runs": ["a", "b"], "conventions": {"params": "total"}})
    back = load(save(law, tmp_path / "law.json"))
    assert back.surface == law.surface
    assert back.interval("alpha", 0.9) == pytest.approx(law.interval("alpha", 0.9), rel=1e-8)
    assert back.procedure == law.procedure
    assert (back.outcome, back.because, back.objective, back.noise) == (law.outcome, law.because, law.objective, law.noise)
    np.testing.assert_array_equal(back.points.loss, law.points.loss)


def test_the_file_alone_is_enough_to_repeat_the_fit(sweep: Sweep, tmp_path: Path) -> None:
    law = fit_surface(*sweep(noise=0.005), resamples=50, seed=3, objective="noise_huber")
    document = json.loads(save(law, tmp_path / "law.json").read_text())
    points, how = document["points"], document["procedure"]
    again = fit_surface(points["params"], points["tokens"], points["loss"], how["resamples"], how["seed"], objective=how["objective"])
    assert again.surface == law.surface
    assert again.interval("E") == law.interval("E")


def test_a_fit_that_has_no_numbers_comes_back_as_such(tmp_path: Path) -> None:
    back = load(save(fit_surface([1e8], [1e9], [3.0]), tmp_path / "law.json"))
    assert back.outcome.name == "TOO_FEW_POINTS"
    assert np.isnan(back.alpha)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "it is not JSON"),
        (lambda text: '{"E": 1.69}', "not a law saved by lightning-scaling"),
        (lambda text: "[1, 2]", "not a law saved by lightning-scaling"),
        (lambda text: text.replace('"version": 1', '"version": 99'), "update lightning-scaling"),
        (lambda text: text.replace('"constants"', '"constant"'), "it is damaged"),
        (lambda text: text.replace('"alpha": 0', '"alpha": -0'), "it is damaged"),
        (lambda text: text.replace('"IDENTIFIED"', '"FINE"'), "it is damaged"),
        (lambda text: "\x00\x01", "it is not JSON"),
    ],
)
def test_a_damaged_or_foreign_file_is_one_clear_line(sweep: Sweep, tmp_path: Path, damage: Callable[[str], str], message: str) -> None:
    path = save(fit_surface(*sweep(noise=0.005)), tmp_path / "law.json")
    path.write_text(damage(path.read_text()))
    with pytest.raises(ValueError, match=message) as error:
        load(path)
    assert "\n" not in str(error.value)
    assert "law.json" in str(error.value)


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot read the law"):
        load(tmp_path / "none.json")
