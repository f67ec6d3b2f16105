import matplotlib.pyplot as plt
import numpy as np
import pytest
from widget_moves import take_apart

from course_utils import cycle_shape as module
from course_utils.cycle_shape import (
    STEPS,
    WITH_RISE,
    WITH_TAIL,
    cycle_shape,
    explore_one_cycle,
    plot_shape,
    prepare_axes,
    unused_settings,
)
from course_utils.one_cycle_curve import OneCycleCurve

SETTINGS = {"peak": 0.5, "div": 20, "tail": 0.2, "rise": 0.4, "momentum": (0.8, 0.9)}
COMMON = {"div": 20, "momentum": (0.9, 0.8)}
EXPECTED = {
    "source text, three phases": OneCycleCurve.seed(STEPS, 0.5, tail=0.2, **COMMON),
    "two phases, no tail": OneCycleCurve.seed(STEPS, 0.5, tail=0, **COMMON),
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


def test_all_forms_are_tested():
    """Is there no form beside these?"""
    assert [*WITH_TAIL, *WITH_RISE] == list(EXPECTED)


@pytest.mark.parametrize("form", EXPECTED)
def test_unused_settings(form):
    """Do the settings called unused change nothing, and do all others change something?"""
    changed = {"peak": 0.6, "div": 30, "tail": 0.3, "rise": 0.2, "momentum": (0.7, 0.9)}
    idle = {
        name
        for name in SETTINGS
        if cycle_shape(form, **{**SETTINGS, name: changed[name]}) == EXPECTED[form]
    }
    assert idle == set(unused_settings(form, **SETTINGS))


def test_plot():
    """Are LR, LR and momentum drawn over the source text's own, with numbers in the title?"""
    fig, axes = plt.subplots(3, 1)
    curve = EXPECTED["source text, three phases"]
    assert plot_shape(prepare_axes(axes), curve) is axes
    usual = OneCycleCurve.seed(STEPS, 0.8)
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


def test_widget(monkeypatch):
    """Can each control go to all its places in each form, and does each change the picture?"""
    parts = take_apart(monkeypatch, module, explore_one_cycle)
    first = parts.draw(**parts.start)
    for name, control in parts.controls.items():
        assert control.description
        if name not in parts.unused(**parts.start):
            moves = [move for move in parts.moves() if move[name] != parts.start[name]]
            assert {parts.draw(**move) for move in moves} - {first}
    for form in EXPECTED:
        for move in parts.moves():
            cycle_shape(**{**move, "form": form})


def test_lowest_learning_rate_is_seen(monkeypatch):
    """Does the log panel reach down to the lowest LR that the controls allow?"""
    parts = take_apart(monkeypatch, module, explore_one_cycle)
    settings = {**parts.start, "peak": parts.controls["peak"].min}
    lowest = min(
        min(cycle_shape(**{**settings, "form": form, "div": 100}).lrs()) for form in EXPECTED
    )
    fig, axes = plt.subplots(3, 1)
    assert prepare_axes(axes)[1].get_ylim()[0] < lowest
    plt.close(fig)


def test_a_move_takes_at_most_100_ms(monkeypatch):
    """Is a picture drawn fast enough to follow a hand?"""
    parts = take_apart(monkeypatch, module, explore_one_cycle)
    assert parts.milliseconds_a_move() < 100
