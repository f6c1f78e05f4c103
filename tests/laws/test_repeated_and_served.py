"""Repeated data by Muennighoff et al., the inference-aware optimum by Sardana et al."""

from itertools import pairwise

import numpy as np
import pytest

from lightning_scaling.laws import preset
from lightning_scaling.laws.presets.allocation import budget_for
from lightning_scaling.laws.presets.inference import for_budget, for_loss, tokens_for, trade
from lightning_scaling.laws.presets.repeated import effective, epochs_until, next_epoch_worth

LAW = preset("hoffmann2022").law


@pytest.mark.parametrize(("epochs", "worth"), [(4, 0.931), (8, 0.828), (16, 0.661), (40, 0.379)])
def test_repeated_tokens_are_worth_what_was_published(epochs: int, worth: float) -> None:
    assert effective(epochs * 1e9, 1e9) / (epochs * 1e9) == pytest.approx(worth, abs=6e-4)


def test_one_pass_is_worth_itself_and_no_number_of_passes_more_than_sixteen() -> None:
    assert effective(5e9, 1e10) == 5e9
    assert effective(1e9, 1e9) == 1e9
    assert effective(1e15, 1e9) == pytest.approx(1e9 * (1 + 15.387756))


def test_the_next_pass_is_worth_less_each_time_and_fresh_data_wins_where_it_says() -> None:
    worth = next_epoch_worth(np.arange(1, 40))
    assert (np.diff(worth) < 0).all()
    passes = epochs_until(0.5)
    step = 1e-4
    assert (effective(passes + step, 1.0) - effective(passes, 1.0)) / step == pytest.approx(0.5, abs=1e-3)


def test_repeating_is_worse_than_fresh_and_better_than_stopping() -> None:
    law = preset("muennighoff2023").law
    fresh, repeated, stopped = law.predict(1e9, 4e10), law.predict(1e9, 4e10, 1e10), law.predict(1e9, 1e10)
    assert fresh < repeated < stopped


def test_with_little_data_the_best_model_is_smaller_than_with_fresh_data() -> None:
    law = preset("muennighoff2023").law
    plenty, scarce = law.optimum(1e22), law.optimum(1e22, unique_tokens=1e10)
    assert scarce.loss > plenty.loss
    assert scarce.params < plenty.params
    around = scarce.params * np.geomspace(0.5, 2, 201)
    assert law.predict(around, 1e22 / (6 * around), 1e10).min() >= scarce.loss - 1e-6


def test_nothing_served_is_the_compute_optimum() -> None:
    best = LAW.optimum(1e22)
    life = for_loss(LAW, best.loss, 0.0)
    assert (life.params, life.tokens) == pytest.approx((best.params, best.tokens), rel=1e-5)
    assert for_budget(LAW, 1e22, 0.0).params == pytest.approx(best.params, rel=1e-5)


@pytest.mark.parametrize("served", [1e11, 1e12, 1e13])
def test_the_served_optimum_is_the_cheapest_life_that_reaches_the_loss(served: float) -> None:
    life = for_loss(LAW, 2.1, served)
    sizes = life.params * np.geomspace(0.3, 3, 401)
    costs = 6 * sizes * tokens_for(LAW, sizes, 2.1) + 2 * sizes * served
    assert life.total_flops <= costs.min() * (1 + 1e-9)
    assert life.loss == pytest.approx(2.1)


def test_the_more_is_served_the_smaller_and_longer() -> None:
    lives = [for_loss(LAW, 2.1, served) for served in (0, 1e11, 1e12, 1e13)]
    assert all(b.params < a.params and b.tokens > a.tokens for a, b in pairwise(lives))


def test_a_budget_for_both_is_spent_whole_and_best() -> None:
    life = for_budget(LAW, 1e22, 1e12)
    assert life.total_flops == pytest.approx(1e22, rel=1e-9)
    assert life.loss <= min(for_budget(LAW, 1e22, 1.01e12).loss, LAW.predict(life.params * 1.2, (1e22 / (1.2 * life.params) - 2e12) / 6))


def test_llamas_trade_costs_more_in_training_and_saves_in_serving() -> None:
    curve = trade(LAW, 1e23, 1e13)
    assert curve.loss == pytest.approx(np.full(len(curve.loss), LAW.optimum(1e23).loss))
    assert (np.diff(curve.training_flops[1:]) > 0).all()
    assert (np.diff(curve.serving_flops) < 0).all()
    assert curve.total_flops.min() < curve.total_flops[0]


def test_what_cannot_be_reached_is_refused() -> None:
    with pytest.raises(ValueError, match="irreducible loss"):
        for_loss(LAW, 1.6, 1e12)
    with pytest.raises(ValueError, match="zero or more"):
        for_loss(LAW, 2.0, -1.0)
    assert np.isinf(tokens_for(LAW, 1e6, 2.0))


def test_sardanas_printed_examples_come_out_to_the_digit() -> None:
    law = preset("sardana2024").law  # the examples of the authors' repository
    assert law.predict(70e9, 1e12) == pytest.approx(1.947, abs=5e-4)
    plain = law.optimum(budget_for(law, params=30e9))
    assert (plain.tokens, plain.loss, plain.flops) == pytest.approx((1.556e12, 1.958253360475841, 2.801e23), rel=4e-4)
    served, trained = for_loss(law, 1.947, 2e12), for_loss(law, 1.947, 0.0)
    assert (served.params, served.tokens) == pytest.approx((2.418e10, 2.657e12), rel=1e-3)
    life = trained.training_flops + 2 * trained.params * 2e12
    shares = (served.params / trained.params, served.tokens / trained.tokens, served.total_flops / life)
    assert shares == pytest.approx((0.7096, 1.4677, 0.9522), abs=1e-4)
