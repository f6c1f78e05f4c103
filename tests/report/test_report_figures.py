"""What the pictures show: labels with units, every run, the law where it was fitted, and nothing that lies on something else."""

import warnings

import matplotlib
import numpy as np
import pytest

from lightning_scaling.laws import fit_frontier, preset
from lightning_scaling.laws.extrapolation.backtests import HeldOut
from lightning_scaling.report.figures import (
    all_panels,
    isoflop_curves,
    loss_against_compute,
    loss_contour,
    loss_slices,
    optimal_allocation,
    residuals,
    run_panel,
)
from lightning_scaling.report.rows import rows
from lightning_scaling.report.theme import DARK, LIGHT, size_colours


@pytest.fixture(scope="module")
def frontier(ladder):
    return fit_frontier([r.flops for r in rows(ladder)], [r.loss for r in rows(ladder)])


@pytest.fixture(scope="module")
def compute(ladder, frontier):
    return loss_against_compute(ladder, frontier, largest=HeldOut(2.5e6, 7.5e7, 1.125e15, 1.482, 1.44, 1.52))


def named(axes, gid):
    return [artist for artist in axes.get_children() if artist.get_gid() == gid]


def test_compute_is_shown_in_flops_and_in_pf_days(compute):
    below, above = compute.axes
    assert below.get_xlabel() == "training compute C (FLOPs)"
    assert above.get_xlabel() == "PF-days"
    assert np.divide(below.get_xlim(), above.get_xlim()) == pytest.approx([8.64e19, 8.64e19])


def test_both_axes_are_logarithmic(compute):
    assert (compute.axes[0].get_xscale(), compute.axes[0].get_yscale()) == ("log", "log")


def test_the_loss_axis_names_the_unit_of_the_runs(compute):
    assert compute.axes[0].get_ylabel() == "validation loss (nats/token)"


def test_every_run_ends_in_a_marker_where_it_ended(compute, ladder):
    ends = {(m.get_xdata()[0], m.get_ydata()[0]) for m in named(compute.axes[0], "end")}
    assert ends == {(r.spent, r.loss) for r in ladder}


def test_where_a_best_split_is_identified_its_loss_is_drawn_as_on_the_page(ladder, frontier, true_law):
    (line,) = named(loss_against_compute(ladder, frontier, true_law).axes[0], "frontier")
    assert line.get_ydata() == pytest.approx([true_law.optimum(float(c)).loss for c in line.get_xdata()])
    assert line.get_xdata()[0] == pytest.approx(min(r.spent for r in ladder))


def test_the_frontier_is_drawn_with_its_band(compute):
    assert named(compute.axes[0], "frontier")
    assert named(compute.axes[0], "band")


def test_without_a_law_none_is_drawn(ladder):
    axes = loss_against_compute(ladder).axes[0]
    assert not named(axes, "frontier")


def test_labels_lie_on_nothing(compute):
    renderer = compute.canvas.get_renderer()
    boxes = [t.get_window_extent(renderer) for t in compute.axes[0].texts]
    assert len(boxes) >= 9
    assert not [1 for k, a in enumerate(boxes) for b in boxes[k + 1 :] if a.overlaps(b)]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_larger_the_model_the_stronger_its_contrast(theme):
    contrasts = [contrast(colour, matplotlib.colors.to_rgb(theme.paper)) for colour in size_colours([1e5, 1e6, 1e7, 1e8], theme)]
    assert contrasts == sorted(contrasts)
    assert contrasts[0] > 1.6
    assert contrasts[-1] > 7


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_meets_the_contrast_asked_for_by_wcag_aa(theme):
    paper = matplotlib.colors.to_rgb(theme.paper)
    assert min(contrast(matplotlib.colors.to_rgb(c), paper) for c in (theme.ink, theme.muted, theme.accent)) >= 4.5


def contrast(a, b) -> float:
    """WCAG 2.2, relative luminance."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_drawing_leaves_the_settings_of_matplotlib_as_they_were(ladder):
    before = dict(matplotlib.rcParams)
    run_panel(ladder[0], "dark")
    assert dict(matplotlib.rcParams) == before


def test_an_unknown_theme_is_refused_in_words(ladder):
    with pytest.raises(ValueError, match="light and dark"):
        run_panel(ladder[0], "sepia")


def test_a_run_shows_the_ribbon_of_its_forecasts_over_its_curve(ladder):
    axes = run_panel(ladder[0]).axes[0]
    assert named(axes, "ribbon")
    assert named(axes, "curve")[0].get_ydata() == pytest.approx(ladder[0].curve.loss)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("tokens seen", "validation loss (nats/token)")


def test_a_run_shows_the_forecast_and_the_observed_end(ladder):
    text = " ".join(t.get_text() for t in run_panel(ladder[0]).axes[0].texts)
    assert "forecast at 50 %" in text
    assert f"observed: {ladder[0].loss:.3f}" in text


@pytest.mark.parametrize("picture", [loss_against_compute, all_panels])
@pytest.mark.parametrize("runs", ["none", "one", "broken"])
def test_few_and_broken_runs_make_a_picture(picture, runs, ladder, broken_runs):
    picture({"none": [], "one": ladder[:1], "broken": broken_runs}[runs]).canvas.draw()


@pytest.mark.parametrize("picture", [isoflop_curves, loss_contour, residuals, optimal_allocation])
@pytest.mark.parametrize("runs", ["none", "one", "broken"])
def test_few_and_broken_runs_make_pictures_of_a_law(picture, runs, ladder, broken_runs, true_law):
    picture({"none": [], "one": ladder[:1], "broken": broken_runs}[runs], true_law).canvas.draw()


def test_the_minimum_of_an_isoflop_curve_is_the_optimum_of_the_law(ladder, true_law):
    (minima,) = named(isoflop_curves(ladder[:1], true_law).axes[0], "minima")
    best = true_law.optimum(ladder[0].spent)
    assert (minima.get_xdata()[0], minima.get_ydata()[0]) == pytest.approx((best.params, best.loss))


def test_residuals_are_percent_of_the_fitted_loss(ladder, true_law):
    drawn = [m.get_ydata()[0] for m in named(residuals(ladder, true_law).axes[0], "run")]
    assert drawn == pytest.approx([100 * (r.loss / true_law.predict(r.params, r.tokens) - 1) for r in ladder])


def test_presets_are_named_beside_the_law_and_those_without_an_optimum_left_out(ladder, true_law):
    figure = optimal_allocation(ladder, true_law, presets=[preset("besiroglu2024"), preset("palm2_2023")])
    assert {t.get_text() for t in figure.axes[0].texts} == {"this ladder", "Besiroglu 2024"}


def test_hundreds_of_runs_are_drawn_without_a_warning(make_run):
    runs = [make_run(int(n), points=12) for n in np.geomspace(1e5, 1e8, 200)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss_against_compute(runs).canvas.draw()


def test_slices_show_every_finished_run_and_the_law_through_them(ladder):
    law = preset("besiroglu2024")
    across_size, across_data = loss_slices(ladder, law).axes
    assert (across_size.get_xlabel(), across_data.get_xlabel()) == ("parameters N", "training tokens D")
    ended = [r for r in rows(ladder) if r.fitted]
    for axes in (across_size, across_data):
        assert len(named(axes, "run")) == len(ended)
        for line in named(axes, "law"):
            assert (np.diff(line.get_ydata()) < 0).all()


def test_slices_of_no_run_state_that_there_are_none():
    assert any("no finished run" in text.get_text() for text in loss_slices([], preset("besiroglu2024")).axes[0].texts)
