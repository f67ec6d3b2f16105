from functools import partial

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from widget_moves import take_apart

from course_utils.plotting.explore_momentum import (
    STEPS,
    _prepared,
    explore_momentum,
    growth,
    plot_momentum,
)
from course_utils.plotting.loss_surfaces import RAVINE, descend


@pytest.mark.parametrize("momentum", [0.0, 0.85, 0.95])
def test_growth(momentum):
    """Does SGD take steps of just these sizes where the gradient stays at 1?"""
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0, momentum=momentum)
    places = [0.0]
    for _ in range(STEPS):
        weight.grad = torch.ones_like(weight)
        optimizer.step()
        places.append(weight.item())
    np.testing.assert_allclose(growth(momentum), -np.diff(places))


@pytest.fixture
def axes():
    return _prepared(Figure()).axes


def test_walks(axes):
    """Is the walk with momentum drawn beside one without at the effective LR, both in the title?"""
    before = [len(ax.lines) for ax in axes]
    plot_momentum(axes, momentum=0.9, lr=0.005)
    plain, walk = axes[1].lines[before[1] :]
    for line, settings in ((walk, {"lr": 0.005, "momentum": 0.9}), (plain, {"lr": 0.05})):
        path = descend(RAVINE, partial(torch.optim.SGD, **settings), steps=STEPS)
        np.testing.assert_allclose(np.transpose(line.get_data()), path)
    assert axes[0].get_title() == "momentum 0.90: the step tends to 10.0 × LR"
    first, second = axes[1].get_title().splitlines()
    assert first.startswith("LR 0.005, effective LR 0.05: loss ")
    assert second.startswith("no momentum, LR 0.05: loss ")


def test_off_the_map(axes):
    """Does the title say that plain SGD cannot take the effective LR across the valley?"""
    plot_momentum(axes, momentum=0.9, lr=0.02)
    assert axes[1].get_title().endswith("no momentum, LR 0.2: leaves the map")


@pytest.fixture
def parts(monkeypatch):
    return take_apart(monkeypatch, explore_momentum)


def test_widget(parts):
    """Does each control change the picture?"""
    assert parts.idle() == set()


def test_speed(parts):
    """Is a move drawn fast enough to follow a hand?"""
    assert parts.milliseconds_a_move() < 100
