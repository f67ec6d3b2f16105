import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from widget_moves import take_apart

from course_utils.imbalance.sampling import oversample_indices, undersample_indices
from course_utils.plotting import explore_oversampling as module
from course_utils.plotting.explore_oversampling import (
    explore_oversampling,
    oversampling_cost,
    plot_counts,
    prepare_axes,
)

COUNTS = {"cat": 5, "dog": 20, "bird": 12}


@pytest.mark.parametrize("counts", [[5, 20, 12], [7], [3, 3], [1, 100]])
def test_cost_is_that_of_the_real_indices(counts):
    """Are the numbers those of the epochs that `sampling` really gives?"""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    over, under = oversample_indices(labels), undersample_indices(labels)
    cost = oversampling_cost(counts)
    assert (cost.as_it_is, cost.oversampled, cost.undersampled) == (
        len(labels),
        len(over),
        len(under),
    )
    smallest = labels == int(np.argmin(counts))
    shown = over.bincount(minlength=len(labels))[smallest].double().mean()
    assert cost.most_copies == pytest.approx(float(shown))


@pytest.mark.parametrize("counts", [[], [3, 0]])
def test_empty_class(counts):
    """Is a class without an image refused?"""
    with pytest.raises(ValueError, match="at least one image"):
        oversampling_cost(counts)


def test_plot():
    """Do images and copies add up to the largest class, and does the title say what it costs?"""
    fig, ax = plt.subplots()
    prepare_axes(ax, list(COUNTS), highest=20)
    assert plot_counts(ax, list(COUNTS.values())) is ax
    images, copies = ([bar.get_height() for bar in group] for group in ax.containers)
    assert images == [5, 20, 12] and copies == [15, 0, 8]
    assert ax.get_lines()[-1].get_ydata()[0] == 5
    assert [label.get_text() for label in ax.get_xticklabels()] == list(COUNTS)
    assert "37 images become 60" in ax.get_title() and "1.6 times as long" in ax.get_title()
    assert "shown 4.0 times. Undersampling keeps 15." in ax.get_title()
    plt.close(fig)


def test_widget(monkeypatch):
    """Is there a slider a class, named for it, and does each change the picture?"""
    parts = take_apart(monkeypatch, module, lambda: explore_oversampling(COUNTS))
    assert parts.start == COUNTS
    assert [c.description for c in parts.controls.values()] == [f"{n}, images" for n in COUNTS]
    first = parts.draw(**parts.start)
    for name in COUNTS:
        moves = [move for move in parts.moves() if move[name] != COUNTS[name]]
        assert moves and {parts.draw(**move) for move in moves}.isdisjoint({first})


def test_a_move_takes_at_most_100_ms(monkeypatch):
    """Is a picture drawn fast enough to follow a hand, for ten classes?"""
    counts = {f"class {n}": 50 + 100 * n for n in range(10)}
    parts = take_apart(monkeypatch, module, lambda: explore_oversampling(counts))
    assert parts.milliseconds_a_move() < 100
