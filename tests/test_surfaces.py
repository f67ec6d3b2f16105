from functools import partial

import numpy as np
import pytest
import torch

from course_utils.surfaces import RAVINE, SADDLE, descend

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


@pytest.mark.parametrize("start", [(1.0,), (1.0, 2.0, 3.0), (1.0, float("nan"))])
def test_bad_start(start):
    """Is a start refused that is not a point of the map?"""
    with pytest.raises(ValueError, match="two finite numbers"):
        descend(RAVINE, SGD, start, steps=1)


def test_no_steps():
    """Is a walk without steps refused?"""
    with pytest.raises(ValueError, match="steps is 0"):
        descend(RAVINE, SGD, steps=0)
