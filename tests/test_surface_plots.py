from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from widget_moves import take_apart

from course_utils import surface_plots
from course_utils.colours import COLOURS
from course_utils.lessons.lesson_03 import OPTIMIZERS, WITHOUT_MOMENTUM, optimizer_factory
from course_utils.surface_plots import (
    STEPS,
    explore_paths,
    plot_map,
    plot_paths,
    plot_walk,
    points_on_map,
)
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


@pytest.fixture
def parts(monkeypatch):
    """Take the widget of lesson 03 apart."""
    names = {"optimizers": OPTIMIZERS, "without_momentum": WITHOUT_MOMENTUM}
    return take_apart(
        monkeypatch,
        surface_plots,
        lambda: explore_paths((RAVINE, SADDLE), optimizer_factory, **names),
    )


def test_walk(ax):
    """Is the path of the settings drawn over the map, and is its end in the title?"""
    settings = {"lr": 0.02, "momentum": 0.8}
    plot_map(ax, RAVINE)
    plot_walk(ax, RAVINE, optimizer_factory, optimizer="Nesterov", start=(-1, 0.5), **settings)
    path = descend(RAVINE, optimizer_factory("Nesterov", **settings), (-1, 0.5), steps=STEPS)
    (drawn,) = (line for line in ax.get_lines() if line.get_label() == "Nesterov")
    np.testing.assert_array_equal(np.transpose(drawn.get_data()), path)
    loss = RAVINE.loss(torch.tensor(path[-1]))
    assert ax.get_title() == f"ravine, Nesterov, LR 0.02: loss {loss:.2g} after 60 updates"


def test_walk_off_the_map(ax):
    """Does the title say so where the path leaves the map?"""
    plot_map(ax, RAVINE)
    settings = {"optimizer": "SGD", "start": (-1, 0.5), "lr": 1.0, "momentum": 0.0}
    plot_walk(ax, RAVINE, optimizer_factory, **settings)
    assert ax.get_title() == "ravine, SGD, LR 1: leaves the map"


def test_widget(parts):
    """Does every control change the picture, on both surfaces, once Adam is chosen?"""
    for surface in (RAVINE, SADDLE):
        start = {**parts.start, "surface": surface, "optimizer": "Adam"}
        first = parts.draw(**start)
        for name, control in parts.controls.items():
            assert control.description
            others = {parts.draw(**{**start, name: move[name]}) for move in parts.moves()}
            assert others - {first}


def test_widget_starts_on_every_map(parts):
    """Does each start that the sliders allow lie on each map?"""
    for surface in (RAVINE, SADDLE):
        for control, limits in (("start_1", surface.xlim), ("start_2", surface.ylim)):
            slider = parts.controls[control]
            assert limits[0] <= slider.min < slider.max <= limits[1]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_unused_momentum(parts, optimizer):
    """Is the momentum greyed out exactly for the optimizers that do not use it?"""
    start = {**parts.start, "optimizer": optimizer}
    same = parts.draw(**start) == parts.draw(**{**start, "momentum": 0.5})
    assert parts.unused(**start) == (("momentum",) if same else ())


def test_a_move_takes_at_most_100_ms(parts):
    """Is a path walked and drawn fast enough to follow a hand?"""
    assert parts.milliseconds_a_move() < 100
