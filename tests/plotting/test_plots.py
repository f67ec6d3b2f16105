import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color

from course_utils.lr.curve import LRCurve, LRRepeats
from course_utils.lr.schedules import OneCycleCurve
from course_utils.plotting import plots
from course_utils.plotting.plots import plot_losses, plot_steps
from course_utils.plotting.style import COLOURS
from course_utils.training.history import History

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def curve(shift=0.0):
    lrs = np.geomspace(1e-6, 1, 200)
    losses = tuple(2.3 - 1.5 / (1 + np.exp(-(np.log10(lrs) + 3 - shift) / 0.3)) + lrs**2)
    return LRCurve(tuple(lrs), losses, losses, 0.0, "end")


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def labelled(ax):
    return ax.get_xlabel() and ax.get_ylabel()


def test_lr_curve_marks_its_suggestion():
    """Is the suggestion drawn where it is, and named in the legend?"""
    ax = plt.figure().subplots()
    drawn = curve()
    assert drawn.plot(ax) is ax
    assert legend(ax) == ["raw loss", "smoothed loss", f"steepest: {drawn.suggestion():.2g}"]
    assert ax.lines[-1].get_xdata()[0] == drawn.suggestion()
    assert ax.get_xscale() == "log" and labelled(ax)


def test_lr_curve_without_suggestion():
    """Is a curve that allows no suggestion drawn all the same, with a remark?"""
    ax = plt.figure().subplots()
    flat = LRCurve((1e-3, 1e-2, 1e-1, 1.0, 10.0), (2.0,) * 5, (2.0,) * 5, 0.0, "end")
    flat.plot(ax)
    assert legend(ax)[-1] == "steepest: no suggestion"


def test_explosion_does_not_flatten_the_curve():
    """Does the vertical range show the fall although the losses explode at the end?"""
    ax = plt.figure().subplots()
    losses = (2.3, 2.2, 1.0, 0.9, 3.0, 1e6)
    LRCurve((1, 2, 3, 4, 5, 6), losses, losses, 0.0, "end").plot(ax)
    low, high = ax.get_ylim()
    assert low < 0.9 and 2.3 < high < 4


def test_several_curves_on_one_axis():
    """Does each setting get its colour, its suggestion and, with repeats, its range?"""
    ax = plt.figure().subplots()
    repeats = LRRepeats((curve(), curve(0.5), curve(-0.5)))
    plots.plot_lr_curves(ax, {"one": curve(), "three": repeats})
    one, three = legend(ax)
    assert one == f"one: {curve().suggestion():.2g}"
    pick, low, high = repeats.suggestion()
    assert three == f"three: {pick:.2g} ({low:.2g} to {high:.2g})"
    assert len({line.get_color() for line in ax.lines}) == 2


def test_more_curves_than_colours():
    """Do more settings than the palette has still get one colour each?"""
    ax = plt.figure().subplots()
    plots.plot_lr_curves(ax, {str(i): curve(i / 10) for i in range(9)})
    assert len({str(line.get_color()) for line in ax.lines}) == 9


def test_schedule():
    """Are learning rates above and momenta below, and is a schedule without momenta allowed?"""
    axes = plt.figure().subplots(2, 1)
    cycle = OneCycleCurve.gugger(50, max_lr=0.8).preview()
    plots.plot_schedule(axes, {"1cycle": cycle, "constant": ([0.1] * 50, None)})
    assert [len(ax.lines) for ax in axes] == [2, 1]
    assert axes[0].lines[0].get_ydata().max() == pytest.approx(0.8, rel=0.05)
    assert axes[0].lines[0].get_color() == COLOURS["1cycle"]
    assert legend(axes[0]) == ["1cycle", "constant"]


@pytest.mark.parametrize("label", ["", "run"])
def test_history(label):
    """Are the losses above, the accuracy below, over epochs counted from 1?"""
    axes = plt.figure().subplots(2, 1)
    history = History([2.0, 1.0], [2.1, 1.5], [0.3, 0.6])
    plots.plot_history(axes, history, label=label)
    train, valid = axes[0].lines
    assert train.get_xdata().tolist() == [1, 2] and train.get_ydata().tolist() == [2.0, 1.0]
    assert valid.get_ydata().tolist() == [2.1, 1.5]
    assert axes[1].lines[0].get_ydata().tolist() == [0.3, 0.6]
    assert all(name.startswith(label) for name in legend(axes[0]))


def test_arms():
    """Is each arm a row with a dot a seed and its mean, in the arm's own colour?"""
    ax = plt.figure().subplots()
    plots.plot_arms(ax, {"1cycle, 8": [1.0, 2.0, 3.0], "other": [4.0, 5.0]}, xlabel="accuracy (%)")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["1cycle, 8", "other"]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [line.get_xdata().tolist() for line in dots] == [[1.0, 2.0, 3.0], [4.0, 5.0]]
    assert dots[0].get_color() == COLOURS["1cycle"]
    assert ax.yaxis_inverted() and ax.get_xlabel() == "accuracy (%)"


def test_style():
    """Does the course's style switch on the grid and the layout without overlap?"""
    with matplotlib.rc_context():
        plots.use_course_style()
        assert plt.rcParams["axes.grid"] and plt.rcParams["figure.constrained_layout.use"]


CHANCE = 2.0


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_losses_over_the_epochs(ax):
    """Are both losses drawn over the epochs, counted from 1, in the course's colours?"""
    assert plot_losses(ax, [1.0, 0.5], [1.2, 0.8], chance=CHANCE) is ax
    train, valid, _ = ax.lines
    assert list(train.get_xdata()) == list(valid.get_xdata()) == [1, 2]
    assert list(train.get_ydata()) == [1.0, 0.5] and list(valid.get_ydata()) == [1.2, 0.8]
    assert same_color(train.get_color(), COLOURS["train"])
    assert same_color(valid.get_color(), COLOURS["valid"])
    assert [line.get_label() for line in (train, valid)] == ["training", "validation"]


def test_panels_share_a_range_with_the_loss_of_guessing(ax):
    """Is the loss of guessing drawn, on a range that does not depend on the losses?"""
    plot_losses(ax, [9.0, 0.5], [0.1, 0.1], chance=CHANCE)
    assert list(ax.lines[2].get_ydata()) == [CHANCE, CHANCE]
    assert ax.get_ylim() == pytest.approx((0, 2.4))


def test_hidden_truth_is_told_apart(ax):
    """Are style and opacity those that were asked for?"""
    plot_losses(ax, [1.0], [1.0], chance=CHANCE, style="--", alpha=0.5)
    assert [line.get_linestyle() for line in ax.lines[:2]] == ["--", "--"]
    assert [line.get_alpha() for line in ax.lines[:2]] == [0.5, 0.5]


def test_steps(ax):
    """Does each step lie in its epoch, each mean over its epoch, each evaluation at its end?"""
    history = History(train_loss=[3.0, 1.0], step_loss=[4.0, 2.0, 1.0, 1.0])
    assert plot_steps(ax, history, [1.5, 0.9], beta=0.5) is ax
    raw, smoothed, points = ax.lines
    assert list(raw.get_xdata()) == [0.25, 0.75, 1.25, 1.75]
    assert list(raw.get_ydata()) == history.step_loss
    assert np.ptp(smoothed.get_ydata()) < np.ptp(raw.get_ydata())
    (means,) = ax.collections
    expected = [[[0, 3.0], [1, 3.0]], [[1, 1.0], [2, 1.0]]]
    np.testing.assert_allclose(means.get_segments(), expected)
    assert list(points.get_xdata()) == [1, 2] and list(points.get_ydata()) == [1.5, 0.9]
    assert "mean over an epoch's 2 steps" in [t.get_text() for t in ax.get_legend().get_texts()]
