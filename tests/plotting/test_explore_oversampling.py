import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from widget_moves import take_apart

from course_utils.imbalance.sampling import oversample_indices, undersample_indices
from course_utils.plotting.explore_oversampling import (
    explore_oversampling,
    plot_counts,
    prepare_axes,
)


@pytest.mark.parametrize("counts", [[5, 20, 12], [7], [3, 3], [1, 100]])
def test_plot(counts):
    """Are the bars, and the numbers in the title, those of the epochs that `imbalance` gives?"""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    over, under = oversample_indices(labels), undersample_indices(labels)
    fig, ax = plt.subplots()
    names = [f"class {n}" for n in range(len(counts))]
    assert plot_counts(prepare_axes(ax, names, highest=max(counts)), counts) is ax
    images, copies = ([bar.get_height() for bar in group] for group in ax.containers)
    assert images == counts
    assert copies == (labels[over].bincount() - labels.bincount()).tolist()
    assert ax.get_lines()[-1].get_ydata()[0] == labels[under].bincount().max()
    assert [label.get_text() for label in ax.get_xticklabels()] == names
    smallest = labels == int(np.argmin(counts))
    shown = over.bincount(minlength=len(labels))[smallest].double().mean()
    assert ax.get_title() == (
        f"oversampling: {len(labels)} images become {len(over)}, so that an epoch takes "
        f"{len(over) / len(labels):.1f} times as long;\nan image of the smallest class is shown "
        f"{shown:.1f} times. Undersampling keeps {len(under)}."
    )
    plt.close(fig)


@pytest.mark.slow
def test_widget(monkeypatch):
    """Is there a slider a class, named for it, and does each change the picture, fast enough?"""
    counts = {f"class {n}": 50 + 100 * n for n in range(10)}
    parts = take_apart(monkeypatch, explore_oversampling, counts)
    assert parts.start == counts
    assert [c.description for c in parts.controls.values()] == [f"{n}, images" for n in counts]
    assert parts.idle() == set() and parts.milliseconds_a_move() < 100
