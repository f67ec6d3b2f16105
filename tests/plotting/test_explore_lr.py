import math

import matplotlib.pyplot as plt
import numpy as np
import pytest
from widget_moves import take_apart

from course_utils.lr.curve import LRCurve
from course_utils.lr.schedules import OneCycleCurve
from course_utils.lr.smoothing import smooth
from course_utils.plotting.explore_lr import (
    STEPS,
    cycle_shape,
    explore_lr_curve,
    explore_one_cycle,
    plot_raw_losses,
    plot_reading,
    plot_shape,
    prepare_axes,
    reread,
)

SETTINGS = {"peak": 0.5, "div": 20, "tail": 0.2, "rise": 0.4, "momentum": (0.8, 0.9)}
COMMON = {"div": 20, "momentum": (0.9, 0.8)}
EXPECTED = {
    "Gugger, three phases": OneCycleCurve.gugger(STEPS, 0.5, tail=0.2, **COMMON),
    "two phases, no tail": OneCycleCurve.gugger(STEPS, 0.5, tail=0, **COMMON),
    "Smith's logs": OneCycleCurve.smith(STEPS, 0.5, tail=0.2, **COMMON),
    "fastai": OneCycleCurve.fastai(STEPS, 0.5, pct_start=0.4, **COMMON),
    "torch": OneCycleCurve.torch(STEPS, 0.5, pct_start=0.4, **COMMON),
    "torch, three_phase=True": OneCycleCurve.torch(
        STEPS, 0.5, pct_start=0.4, three_phase=True, **COMMON
    ),
}


@pytest.mark.parametrize("form", EXPECTED)
def test_forms(form):
    """Is each form the curve of its name, with the settings that it knows?"""
    assert cycle_shape(form, **SETTINGS) == EXPECTED[form]


def test_plot():
    """Are LR, LR and momentum drawn over Gugger's own, with numbers in the title?"""
    fig, axes = plt.subplots(3, 1)
    curve = EXPECTED["Gugger, three phases"]
    assert plot_shape(prepare_axes(axes), curve) is axes
    usual = OneCycleCurve.gugger(STEPS, 0.8)
    for ax, values in zip(axes, (curve.lrs(), curve.lrs(), curve.momenta()), strict=True):
        np.testing.assert_array_equal(ax.get_lines()[1].get_ydata(), values)
        low, high = ax.get_ylim()
        assert low < min(values) and max(values) < high
    np.testing.assert_array_equal(axes[0].get_lines()[0].get_ydata(), usual.lrs())
    assert axes[1].get_yscale() == "log"
    assert axes[0].get_title() == (
        "LR 0.025 at the start, 0.5 in step 380, 0.00025 at the end\nmomentum 0.90, 0.80, 0.90"
    )
    plt.close(fig)


@pytest.mark.parametrize("form", EXPECTED)
def test_one_cycle_widget(form, monkeypatch):
    """Does each control, in each form, change the picture, but for those that are greyed out?"""
    parts = take_apart(monkeypatch, explore_one_cycle)
    assert list(parts.controls["form"].options) == list(EXPECTED)
    assert parts.idle(form=form) == set(parts.unused(**{**parts.start, "form": form}))


def test_speed_of_the_one_cycle_widget(monkeypatch):
    """Is a picture drawn fast enough to follow a hand?"""
    assert take_apart(monkeypatch, explore_one_cycle).milliseconds_a_move() < 100


def test_lowest_learning_rate_is_seen(monkeypatch):
    """Does the log panel reach down to the lowest LR that the controls allow?"""
    parts = take_apart(monkeypatch, explore_one_cycle)
    settings = {**parts.start, "peak": parts.controls["peak"].min}
    lowest = min(
        min(cycle_shape(**{**settings, "form": form, "div": 100}).lrs()) for form in EXPECTED
    )
    fig, axes = plt.subplots(3, 1)
    assert prepare_axes(axes)[1].get_ylim()[0] < lowest
    plt.close(fig)


def make_curve(stop_reason="diverged"):
    """Make a noisy curve: flat, a fall at about 0.03, and an explosion from 1 on."""
    lrs = np.geomspace(1e-6, 3, 700)
    noise = np.random.default_rng(0).normal(0, 0.02, 700)
    losses = 2.3 - 1.5 / (1 + (0.03 / lrs) ** 1.5) + 0.5 * lrs**4 + noise
    return LRCurve(tuple(lrs), tuple(losses), tuple(smooth(losses, 0.95)), 0.95, stop_reason)


CURVE = make_curve()
ALL = {"low": 0.0, "high": math.inf}


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield plot_raw_losses(ax, CURVE)
    plt.close(fig)


def drawn(ax, label):
    return [line for line in ax.get_lines() if line.get_label() == label and len(line.get_xdata())]


def test_reread_with_the_same_settings():
    """Is the curve as it was, up to where the stop rule ends it?"""
    again = reread(CURVE, beta=0.95, **ALL)
    assert again.smoothed == pytest.approx(CURVE.smoothed[: len(again.lrs)], rel=1e-12)
    assert again.lrs == CURVE.lrs[: len(again.lrs)] and again.stop_reason == "diverged"


def test_reread_with_another_smoothing():
    """Does less smoothing give another average of the same losses, and end the sweep earlier?"""
    raw, heavy = (reread(CURVE, beta=beta, **ALL) for beta in (0.0, 0.98))
    assert raw.smoothed == raw.losses == CURVE.losses[: len(raw.losses)]
    assert len(raw.lrs) < len(heavy.lrs) and raw.beta == 0.0


def test_reread_part_of_the_range():
    """Are only the losses between the ends kept, and is the smoothing begun anew there?"""
    part = reread(CURVE, beta=0.9, low=1e-3, high=0.1)
    kept = [loss for lr, loss in zip(CURVE.lrs, CURVE.losses, strict=True) if 1e-3 <= lr <= 0.1]
    assert part.losses == pytest.approx(kept, rel=1e-12) and part.stop_reason == "end"
    assert part.smoothed == pytest.approx(smooth(kept, 0.9), rel=1e-12)


@pytest.mark.parametrize("high, reason", [(math.inf, "non-finite"), (0.1, "end")])
def test_reread_keeps_away_from_a_loss_that_was_not_finite(high, reason):
    """Is it remembered that the sweep ended with NaN, where the end is kept?"""
    curve = LRCurve(
        *(values[:650] for values in (CURVE.lrs, CURVE.losses, CURVE.smoothed)), 0.95, "non-finite"
    )
    assert reread(curve, beta=0.95, low=0, high=high).stop_reason == reason


def test_reading(ax):
    """Are the smoothed losses, their minimum and both picks drawn where they are?"""
    assert plot_reading(ax, CURVE, beta=0.9, decades=(-6, 1), way="suggestion") is ax
    part = reread(CURVE, beta=0.9, low=1e-6, high=10)
    minimum = part.lrs[int(np.argmin(part.smoothed))]
    assert tuple(drawn(ax, "smoothed loss")[0].get_ydata()) == part.smoothed
    assert drawn(ax, "its minimum")[0].get_xdata() == [minimum]
    assert drawn(ax, "a tenth of that LR")[0].get_xdata()[0] == minimum / 10
    pick = drawn(ax, "pick, corrected for the delay")[0].get_xdata()[0]
    assert pick == part.suggestion()
    assert ax.get_title() == (
        f"beta 0.90: minimum at {minimum:.2g}, a tenth of it is {minimum / 10:.2g}\n"
        f"suggestion, corrected for the delay: {pick:.2g}"
    )


def test_smoothing_moves_the_minimum_but_hardly_the_corrected_pick():
    """Does the widget show what the lesson says?"""
    minima, picks = [], []
    for beta in (0.8, 0.98):
        part = reread(CURVE, beta=beta, **ALL)
        minima.append(part.lrs[int(np.argmin(part.smoothed))])
        picks.append(part.suggestion())
    assert minima[1] > 1.5 * minima[0]
    assert 1 / 1.4 < picks[1] / picks[0] < 1.4


@pytest.mark.parametrize(
    "decades, words",
    [((-6, -6), "no pick in this range"), ((0.9, 1), "widen")],
)
def test_reading_without_a_pick(ax, decades, words):
    """Does the title say so where a range allows no pick, or holds no loss?"""
    plot_reading(ax, CURVE, beta=0.9, decades=decades, way="steepest")
    assert words in ax.get_title()
    assert not drawn(ax, "pick, corrected for the delay")


def test_lr_widget(monkeypatch):
    """Does it start with the curve as it was made, change with every control, and fast enough?"""
    parts = take_apart(monkeypatch, explore_lr_curve, CURVE)
    assert parts.start["beta"] == CURVE.beta and parts.start["way"] == "suggestion"
    assert parts.start["decades"] == pytest.approx((-6, math.log10(3)))
    assert parts.idle() == set() and parts.milliseconds_a_move() < 100
