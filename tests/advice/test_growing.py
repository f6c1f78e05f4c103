"""What a larger model would reach for the same compute, and LLaMA's trade."""

import numpy as np
import pytest

from lightning_scaling import Curve
from lightning_scaling.advice.growing import allocation, larger_model
from lightning_scaling.advice.serving import trade
from lightning_scaling.laws import fit_surface
from lightning_scaling.laws.presets.presets import preset

LAW = preset("besiroglu2024")


def run_of(params, tokens):
    return Curve([tokens], [LAW.predict(params, tokens)], params=params)


def test_a_run_of_the_law_itself_grows_to_its_optimum():
    flops = 6e21
    found = larger_model(run_of(10**8, 1e13), 1e13, LAW.predict(10**8, 1e13), flops, "besiroglu2024")
    best = LAW.optimum(flops)
    assert found.params == pytest.approx(best.params)
    assert found.loss == pytest.approx(best.loss)


def test_without_a_law_the_published_one_decides_nothing():
    assert not larger_model(run_of(10**8, 1e10), 1e10, 3.0, 6e18).own


def test_three_siblings_are_a_law_of_one_s_own():
    siblings = [run_of(n, 20 * n) for n in (10**7, 3 * 10**7, 10**8)]
    flops = 6 * 3e8 * 6e9
    found = larger_model(run_of(3 * 10**8, 6e9), 6e9, 3.0, flops, siblings=siblings)
    assert found.own
    assert found.params == pytest.approx(3e8, rel=0.01)
    assert found.low <= LAW.predict(3e8, 6e9) <= found.high
    assert found.loss == pytest.approx(LAW.predict(3e8, 6e9), rel=0.05)


def test_a_law_that_knows_no_loss_offers_no_larger_model():
    assert larger_model(run_of(10**8, 1e10), 1e10, 3.0, 6e18, "llama3_2024") is None


def test_a_law_that_places_no_optimum_is_refused_with_one_that_does():
    with pytest.raises(ValueError, match=r"without an anchor.*hoffmann2022"):
        allocation(run_of(10**8, 1e10), 1e10, "palm2_2023")


def test_sizes_in_flops_per_token_are_converted_to_params():
    facts = allocation(Curve([2e11], [2.5], params=10**9), 2e11, "deepseek2024")
    assert facts["best_params"] == pytest.approx(0.1715 * 1.2e21**0.5243 / 6)
    assert facts["best_params"] * facts["best_tokens_per_param"] * facts["best_params"] * 6 == pytest.approx(1.2e21, rel=1e-2)


def test_the_same_compute_is_counted_by_the_rule_of_the_law():
    """A law whose runs cost 9 FLOPs per param and token advises the same size as one whose runs cost 6."""
    sizes, tokens = (np.repeat([1e7, 1e8, 1e9], 3), np.tile([1e9, 1e10, 1e11], 3))
    laws = [fit_surface(sizes, tokens, LAW.predict(sizes, tokens), flops=rate * sizes * tokens) for rate in (6.0, 9.0)]
    six, nine = (allocation(run_of(10**8, 2e9), 2e9, law)["best_params"] for law in laws)
    assert nine == pytest.approx(six)
    grown = [larger_model(run_of(10**8, 2e9), 2e9, 3.0, rate * 2e17, law).params for rate, law in zip((6.0, 9.0), laws, strict=True)]
    assert grown == pytest.approx([six, six])


@pytest.mark.parametrize(("tokens", "sizing"), [(2e8, "under"), (2e9, "compute"), (1e12, "over")])
def test_sizing_is_told_as_a_fact(tokens, sizing):
    assert allocation(Curve([tokens], [3.0], params=10**8), tokens, LAW)["sizing"].startswith(sizing)


def test_a_model_beyond_its_reach_is_never_kept():
    found = trade(run_of(10**7, 1e12), LAW.predict(10**7, 1e12), 2.0, 1e12, LAW)
    assert found.keep_tokens == np.inf
    assert not found.keep


def test_serving_enough_turns_growing_into_keeping():
    run, target = run_of(7 * 10**9, 1e12), LAW.predict(7e9, 4e12)
    little, much = (trade(run, run.loss[-1], target, served, LAW) for served in (0, 1e14))
    assert much.keep
    assert little.keep_tokens == pytest.approx(4e12, rel=1e-6)
    assert little.break_even == much.break_even


def test_at_break_even_both_lives_cost_the_same():
    run, target = run_of(7 * 10**9, 1e12), LAW.predict(7e9, 2e13)
    found = trade(run, run.loss[-1], target, 0.0, LAW)
    keep = found.keep_flops + 2 * 7e9 * found.break_even
    assert keep == pytest.approx(found.grow_flops + 2 * found.grow_params * found.break_even)


def test_the_trade_needs_params_and_a_law_with_constants():
    with pytest.raises(ValueError, match="params"):
        trade(Curve([1e9], [3.0]), 3.0, 2.9, 0, LAW)
    with pytest.raises(ValueError, match="five constants"):
        trade(run_of(10**8, 1e10), 3.0, 2.9, 0, "kaplan2020_joint")
