import numpy as np
import pytest
from numpy.random import default_rng

from course_utils.detection.painting import (
    LONGEST,
    SHORTEST,
    Sea,
    bar,
    bounds,
    frame,
    paint_sea,
    paint_ship,
    paint_wake,
    random_sea,
)


@pytest.fixture
def image():
    return np.zeros((64, 64, 3), np.float32)


def test_frame_is_a_view(image):
    """Does what is painted onto a part stand in the image, and nothing beside it?"""
    part = frame(image, 20, 30, 0.0, 5)
    part.blend(np.ones(part.u.shape), 100.0)
    assert np.all(image[27:33, 17:23] == 100) and image[:20].max() == 0 == image[:, 40:].max()


def test_opacity(image):
    """Does an opacity of a half give the mean of old and new?"""
    image += 50
    part = frame(image, 32, 32, 0.0, 3)
    part.blend(np.full(part.u.shape, 0.5), np.array([100.0, 150, 50]))
    assert np.allclose(image[32, 32], [75, 100, 50])


@pytest.mark.parametrize(
    "heading, box",
    [(0.0, (22, 30, 42, 34)), (np.pi / 2, (30, 22, 34, 42)), (np.pi, (22, 30, 42, 34))],
)
def test_bar(image, heading, box):
    """Has a bar the length and the width that were asked for, along its heading?"""
    part = frame(image, 32, 32, heading, 14)
    assert bounds(part, bar(part, 20, 4)) == box


def test_cut_off(image):
    """Is what lies beyond the border cut off, and a box of what is out of sight None?"""
    part = frame(image, 0, 32, 0.0, 14)
    assert bounds(part, bar(part, 20, 4)) == (0, 30, 10, 34)
    part = frame(image, -60, 32, 0.0, 14)
    assert bounds(part, bar(part, 20, 4)) is None


def calm(**changes):
    flat = {"patchiness": 0, "swell": 0, "wavelength": 9, "heading": 0, "noise": 0, "glint": 0}
    return Sea(colour=(30, 60, 90), cast=(1, 1, 1), **{**flat, **changes})


def test_flat_sea():
    """Is a sea without waves, patches and noise of one colour?"""
    image = paint_sea(calm(), 64, default_rng(0))
    assert image.shape == (64, 64, 3) and image.dtype == np.float32
    assert np.all(image == [30, 60, 90])


@pytest.mark.parametrize("change", ["patchiness", "swell", "noise", "glint"])
def test_each_ingredient(change):
    """Does each ingredient change the water, and the more the larger it is?"""
    spreads = [paint_sea(calm(**{change: v}), 64, default_rng(0))[..., 0].std() for v in (0, 2, 8)]
    assert spreads[0] < 1e-3 < spreads[1] < spreads[2]


def test_swell_runs_along_its_heading():
    """Does the swell vary along its heading, with its wavelength, and not across?"""
    image = paint_sea(calm(swell=5, wavelength=16), 64, default_rng(0))[..., 0]
    assert np.allclose(image[0], image[9], atol=1e-3)
    assert np.allclose(image[:, :48], image[:, 16:], atol=1e-2)
    assert image[0].std() > 3


def test_families_differ():
    """Is a sea drawn from its generator alone, and another for another one?"""
    assert random_sea(default_rng(1)) == random_sea(default_rng(1)) != random_sea(default_rng(2))


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
