from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from widget_moves import take_apart

from course_utils.lessons.lesson_03 import OPTIMIZERS, WITHOUT_MOMENTUM, optimizer_factory
from course_utils.plotting.loss_surfaces import (
    RAVINE,
    SADDLE,
    STEPS,
    descend,
    explore_paths,
    plot_map,
    plot_paths,
    plot_walk,
)
from course_utils.plotting.style import COLOURS

SGD = partial(torch.optim.SGD, lr=0.03)


@pytest.mark.parametrize("surface", [RAVINE, SADDLE])
def test_minima(surface):
    """Is the gradient zero at each minimum, and the loss there lower than all around it?"""
    for minimum in surface.minima:
        point = torch.tensor(minimum, dtype=torch.float64)
        assert surface.gradient(point).abs().max() == 0
        for angle in np.linspace(0, 6, 13):
            beside = point + 0.05 * torch.tensor([np.cos(angle), np.sin(angle)])
            assert surface.loss(beside) > surface.loss(point)


def test_saddle():
    """Does the saddle fall to both sides along the first weight and rise along the second?"""
    loss = [SADDLE.loss(torch.tensor(w)).item() for w in [(0.0, 0.0), (0.1, 0.0), (0.0, 0.1)]]
    assert loss[1] < loss[0] < loss[2]


@pytest.mark.parametrize("surface", [RAVINE, SADDLE])
def test_start_and_minima_on_the_map(surface):
    """Do the start and the minima lie within what is drawn?"""
    for x, y in (surface.start, *surface.minima):
        assert surface.xlim[0] < x < surface.xlim[1]
        assert surface.ylim[0] < y < surface.ylim[1]


def test_gradient():
    """Is the gradient that of the formula, without a trace left on the weights?"""
    weights = torch.tensor([2.0, -1.0], dtype=torch.float64)
    assert RAVINE.gradient(weights).tolist() == [2.0, -25.0]
    assert not weights.requires_grad and weights.grad is None


def test_loss_of_a_map():
    """Does the loss of many points at once agree with that of each?"""
    points = torch.rand(2, 3, 4, dtype=torch.float64)
    losses = SADDLE.loss(points)
    assert losses.shape == (3, 4)
    assert losses[1, 2] == SADDLE.loss(points[:, 1, 2])


def test_descend():
    """Is the path that of the formula, from the start on, in double precision?"""
    path = descend(RAVINE, SGD, (2.0, -1.0), steps=2)
    factors = np.array([1 - 0.03, 1 - 0.03 * 25])
    expected = [[2.0, -1.0], factors * [2.0, -1.0], factors**2 * [2.0, -1.0]]
    assert path.dtype == np.float64
    np.testing.assert_allclose(path, expected, rtol=1e-14)


def test_descend_reaches_the_minimum():
    """Does a walk from the surface's own start end at its minimum?"""
    path = descend(RAVINE, SGD, steps=700)
    assert path.shape == (701, 2) and tuple(path[0]) == RAVINE.start
    np.testing.assert_allclose(path[-1], RAVINE.minima[0], atol=1e-8)


@pytest.mark.parametrize("lr, stays", [(0.079, True), (0.081, False)])
def test_limit_of_sgd(lr, stays):
    """Does plain SGD leave the ravine above a learning rate of 2/25?"""
    path = descend(RAVINE, partial(torch.optim.SGD, lr=lr), steps=200)
    assert (abs(path[-1, 1]) < abs(path[0, 1])) == stays


@pytest.fixture
def ax():
    fig, ax = plt.subplots()
    yield ax
    plt.close(fig)


@pytest.fixture
def axes():
    fig, axes = plt.subplots(1, 2)
    yield axes
    plt.close(fig)


def words(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@pytest.mark.parametrize("surface", [RAVINE, SADDLE])
def test_paths(axes, surface):
    """Is each path drawn whole in its optimizer's colour, on a labelled map with the minima?"""
    path = descend(surface, partial(torch.optim.Adam, lr=0.1), steps=20)
    assert plot_paths(axes, surface, {"Adam, LR 0.1": path, "SGD": path[:5]}) is axes
    drawn = {line.get_label(): line for line in axes[0].get_lines()}
    np.testing.assert_array_equal(np.transpose(drawn["Adam, LR 0.1"].get_data()), path)
    assert drawn["Adam, LR 0.1"].get_color() == COLOURS["Adam"]
    assert len(drawn["minimum"].get_xdata()) == len(surface.minima)
    for ax in axes:
        assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title()
    assert axes[0].get_title() == surface.name
    assert axes[0].get_xlim() == surface.xlim


@pytest.mark.parametrize("surface", [RAVINE, SADDLE])
def test_losses_beside_the_map(axes, surface):
    """Is each step's loss drawn as its height above the lowest, in the colour of its path?"""
    path = descend(surface, SGD, (0.5, 0.5), steps=5)
    plot_paths(axes, surface, {"Adam, LR 0.1": path, "SGD": path[:3]})
    first, second = axes[1].get_lines()
    lowest = min(surface.loss(torch.tensor(minimum)) for minimum in surface.minima)
    heights = [float(surface.loss(torch.tensor(point)) - lowest) for point in path]
    np.testing.assert_allclose(first.get_ydata(), heights)
    np.testing.assert_allclose(second.get_ydata(), heights[:3])
    assert first.get_color() == COLOURS["Adam"] and axes[1].get_yscale() == "log"
    assert words(axes[1]) == ["Adam, LR 0.1", "SGD"]


def test_path_that_runs_away(axes):
    """Does the legend say that a path leaves the map, and is the path cut there?"""
    path = descend(RAVINE, partial(torch.optim.SGD, lr=1.0), steps=400)
    assert not np.isfinite(path[-1]).all()
    plot_paths(axes, RAVINE, {"SGD": path})
    assert words(axes[1])[0] == "SGD (leaves the map)"
    assert len(axes[0].get_lines()[0].get_xdata()) == 2
    assert len(axes[1].get_lines()[0].get_ydata()) == 2


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


def test_path_that_leaps_to_infinity(axes):
    """Is a path cut before a point that is not finite?"""
    plot_paths(axes, RAVINE, {"SGD": np.array([[-1.0, 0.0], [1.0, 0.5], [np.inf, 0.0]])})
    assert axes[0].get_lines()[0].get_xdata().tolist() == [-1, 1]


@pytest.fixture
def parts(monkeypatch):
    """Take the widget of lesson 03 apart."""
    names = {"optimizers": OPTIMIZERS, "without_momentum": WITHOUT_MOMENTUM}
    return take_apart(monkeypatch, explore_paths, (RAVINE, SADDLE), optimizer_factory, **names)


@pytest.mark.parametrize(
    "surface, optimizer", [(SADDLE, "Adam"), *((RAVINE, name) for name in OPTIMIZERS)]
)
def test_widget(parts, surface, optimizer):
    """Does each control change the picture, but for a momentum that is greyed out?"""
    settings = {"surface": surface, "optimizer": optimizer}
    assert parts.idle(**settings) == set(parts.unused(**{**parts.start, **settings}))


def test_widget_starts_on_every_map(parts):
    """Does each start that the sliders allow lie on each map?"""
    for surface in (RAVINE, SADDLE):
        for control, limits in (("start_1", surface.xlim), ("start_2", surface.ylim)):
            slider = parts.controls[control]
            assert limits[0] <= slider.min < slider.max <= limits[1]


def test_speed(parts):
    """Is a path walked and drawn fast enough to follow a hand?"""
    assert parts.milliseconds_a_move() < 100
