from functools import partial

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from course_utils import surface_plots
from course_utils.colours import COLOURS
from course_utils.surface_plots import plot_paths, points_on_map, show_sliders
from course_utils.surfaces import RAVINE, SADDLE, descend


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


def words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("surface", [RAVINE, SADDLE])
def test_paths(ax, surface):
    """Is each path drawn whole in its optimizer's colour, on a labelled map with the minima?"""
    path = descend(surface, partial(torch.optim.Adam, lr=0.1), steps=20)
    assert plot_paths(ax, surface, {"Adam, LR 0.1": path, "SGD": path[:5]}) is ax
    drawn = {line.get_label(): line for line in ax.get_lines()}
    np.testing.assert_array_equal(np.transpose(drawn["Adam, LR 0.1"].get_data()), path)
    assert drawn["Adam, LR 0.1"].get_color() == COLOURS["Adam"]
    assert len(drawn["minimum"].get_xdata()) == len(surface.minima)
    assert words(ax) == ["Adam, LR 0.1", "SGD", "minimum"]
    assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title() == surface.name
    assert ax.get_xlim() == surface.xlim


def test_path_that_runs_away(ax):
    """Does the legend say that a path leaves the map, and is the path cut there?"""
    path = descend(RAVINE, partial(torch.optim.SGD, lr=1.0), steps=400)
    assert not np.isfinite(path[-1]).all()
    plot_paths(ax, RAVINE, {"SGD": path})
    assert words(ax)[0] == "SGD (leaves the map)"
    assert len(ax.get_lines()[0].get_xdata()) == 2


def test_points_on_map():
    """Is the path kept up to its first point outside, and without it where that is infinite?"""
    path = np.array([[0.0, 0.0], [1.0, 0.5], [9.0, 0.0], [0.0, 0.0]])
    assert len(points_on_map(RAVINE, path)) == 3
    path[2, 0] = np.inf
    assert len(points_on_map(RAVINE, path)) == 2
    assert points_on_map(RAVINE, path[:2]) is not None
    assert len(points_on_map(RAVINE, path[:2])) == 2


def test_sliders(monkeypatch):
    """Is the figure drawn once, again when a slider moves, and is there a sentence for a page?"""
    shown, drawn, images = [], [], []
    image = widgets.Image(format="png")
    image.observe(lambda change: images.append(change.new), names="value")
    monkeypatch.setattr(surface_plots, "display", lambda bundle, raw: shown.append((bundle, raw)))
    monkeypatch.setattr(surface_plots.widgets, "Image", lambda format: image)

    def draw(lr):
        drawn.append(lr)
        fig, ax = plt.subplots()
        ax.plot([0, lr])
        ax.set_title(f"LR {lr}")
        return fig

    slider = widgets.FloatSlider(value=0.5)
    show_sliders(draw, lr=slider)
    slider.value = 0.7
    assert drawn == [0.5, 0.7] and slider.description == "lr"
    assert len(images) == 2 and all(value[:4] == b"\x89PNG" for value in images)
    assert images[0] != images[1]
    assert plt.get_fignums() == []
    ((bundle, raw),) = shown
    assert raw and "run this cell" in bundle["text/plain"]
    assert "application/vnd.jupyter.widget-view+json" in bundle
