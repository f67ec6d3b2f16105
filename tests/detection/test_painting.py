from dataclasses import replace

import numpy as np
import pytest
from numpy.random import default_rng

from course_utils.detection.painting import (
    LONGEST,
    SHORTEST,
    Port,
    bar,
    bounds,
    develop,
    frame,
    lay_land,
    paint_land,
    paint_ship,
    paint_wake,
    paint_water,
    random_port,
    smooth_noise,
)

CALM = Port(
    colour=(30, 60, 90),
    cast=(1, 1, 1),
    patchiness=0,
    swell=0,
    wavelength=9,
    heading=0,
    noise=0,
    light=1,
    scale=1,
    blur=0,
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


@pytest.mark.parametrize("patches", [3, 7, 20])
def test_smooth_noise(patches):
    """Has a field a standard deviation of 1, and is it the smoother the fewer patches it has?"""
    fields = [smooth_noise(96, patches, default_rng(seed)) for seed in range(200)]
    assert np.std(fields) == pytest.approx(1, abs=0.1)
    assert np.abs(np.diff(fields, axis=1)).max() < 0.25 * patches


def test_flat_water():
    """Is water without waves and patches of one colour, and is it developed as it is?"""
    water = paint_water(CALM, 64, default_rng(0))
    assert water.shape == (64, 64, 3) and water.dtype == np.float32
    assert np.all(water == [30, 60, 90])
    assert np.all(develop(water, CALM, default_rng(0)) == [30, 60, 90])


@pytest.mark.parametrize("change", ["patchiness", "swell"])
def test_each_ingredient(change):
    """Does each ingredient change the water, and the more the larger it is?"""
    spreads = [
        paint_water(replace(CALM, **{change: value}), 64, default_rng(0))[..., 0].std()
        for value in (0, 2, 8)
    ]
    assert spreads[0] < 1e-3 < spreads[1] < spreads[2]


def test_swell_runs_along_its_heading():
    """Does the swell vary along its heading, with its wavelength, and not across?"""
    image = paint_water(replace(CALM, swell=5, wavelength=16), 64, default_rng(0))[..., 0]
    assert image[0].std() > 1
    assert np.abs(image[:, :48] - image[:, 16:]).mean() < image[0].std()


def test_glint():
    """Is a glint bright, and over a part of the water only?"""
    image = paint_water(CALM, 96, default_rng(1), glint=1.0)[..., 0]
    assert image.max() > 90 and image.min() < 45


@pytest.mark.parametrize("kind", ["woods", "fields", "town", "sheds", "stacks"])
def test_land(kind):
    """Is land of every kind uneven, within the levels, and another one for another generator?"""
    one, other = (paint_land(CALM, 96, kind, default_rng(seed)) for seed in (0, 1))
    assert one.shape == (96, 96, 3) and one.std() > 5 and one.min() > -20 and np.median(one) < 200
    assert not np.array_equal(one, other)


def test_shore():
    """Does land lie where the height is above zero, with surf before it?"""
    water, land = np.zeros((64, 64, 3), np.float32), np.full((64, 64, 3), 100, np.float32)
    height = np.broadcast_to(np.arange(64, dtype=np.float32) - 32, (64, 64))
    lay_land(water, land, height, surf=0.8)
    assert np.all(water[:, 34:] == 100) and np.all(water[:, :20] < 1)
    assert water[:, 30].min() > 120


@pytest.mark.parametrize("change", [{"noise": 4}, {"cast": (0.5, 1, 1)}])
def test_develop(change):
    """Do noise and cast change what the sensor sends?"""
    water = paint_water(CALM, 64, default_rng(0))
    changed = develop(water, replace(CALM, **change), default_rng(0))
    assert changed.dtype == np.uint8 and (changed != [30, 60, 90]).mean() > 0.3


def test_blur():
    """Does a blur spread a point over its neighbours, and keep its sum, at the border too?"""
    for place in ((30, 30), (0, 0), (63, 20)):
        image = np.zeros((64, 64, 3), np.float32)
        image[place] = 200
        blurred = develop(image, replace(CALM, blur=0.25), default_rng(0))[..., 0].astype(int)
        assert 40 <= blurred[place] < 120 and blurred.sum() == pytest.approx(200, abs=8)


def test_haze():
    """Does haze lighten an image and take its contrast?"""
    image = np.zeros((64, 64, 3), np.float32)
    image[::2] = 100
    hazy = develop(image, CALM, default_rng(0), haze=0.5).astype(int)
    assert hazy.mean() > 70 and np.abs(np.diff(hazy, axis=0)).mean() < 90


def test_ports_differ():
    """Is a port drawn from its generator alone, and another for another one?"""
    assert random_port(default_rng(1)) == random_port(default_rng(1)) != random_port(default_rng(2))


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


@pytest.mark.parametrize("seed", range(5))
def test_wake(seed):
    """Does a wake lie behind the ship, fade with the distance, and end without an edge?"""
    image = np.zeros((160, 160, 3), np.float32)
    seen = paint_wake(image, 130, 80, 0.0, 20, default_rng(seed))
    along, across = image[70:90].mean((0, 2)), image[..., 0]
    assert along[130:].max() < 1 < along[110] and along[70] < along[110]
    assert seen.any() and not seen[:, 135:].any()
    steps = np.abs(np.diff(across, axis=0))
    assert steps.max() < 60 and across[[0, -1]].max() < 3


def test_wake_over_the_border():
    """Is a wake cut by the image's border alone?"""
    small, large = (np.zeros((n, n, 3), np.float32) for n in (64, 160))
    paint_wake(small, 60, 32, 0.0, 30, default_rng(0))
    paint_wake(large, 108, 80, 0.0, 30, default_rng(0))
    assert np.allclose(small, large[48:112, 48:112], atol=1e-3)
