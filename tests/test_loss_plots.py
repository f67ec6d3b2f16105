import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import same_color

from course_utils.colours import COLOURS
from course_utils.history import History
from course_utils.loss_plots import plot_losses, plot_steps

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
