import numpy as np
import pytest
from numpy.random import default_rng

from course_utils.ship_painting import LONGEST, SHORTEST, paint_ship, paint_wake


@pytest.mark.parametrize("length", [SHORTEST, 20.0, LONGEST])
@pytest.mark.parametrize("seed", range(3))
def test_box_is_the_hull(length, seed):
    """Is a ship as long as it was asked for, narrower than long, and its box around its centre?"""
    image = np.zeros((96, 96, 3), np.float32)
    x0, y0, x1, y1 = paint_ship(image, 48, 48, 0.0, length, default_rng(seed))
    assert x1 - x0 == pytest.approx(length, abs=2)
    assert 2 <= y1 - y0 < 0.45 * length
    assert (x0 + x1) / 2 == pytest.approx(48, abs=1) and (y0 + y1) / 2 == pytest.approx(48, abs=1)
    assert image[int(y0) : int(y1), int(x0) : int(x1)].max() > 50


def test_out_of_sight():
    """Is there no box for a ship beyond the border?"""
    assert paint_ship(np.zeros((64, 64, 3), np.float32), 200, 200, 0.0, 20, default_rng(0)) is None


def test_wake_is_behind():
    """Does a wake lie behind the ship, fading with the distance?"""
    image = np.zeros((96, 96, 3), np.float32)
    paint_wake(image, 60, 48, 0.0, 20, default_rng(0))
    along = image[46:50].mean((0, 2))
    assert along[60:].max() < 1 < along[45] and along[25] < along[45]
