import numpy as np
import pytest
from sen2ships import load_harbours

from benchmarks.oriented_boxes import OrientedBox, box_fill, mask_to_oriented_box


def rectangle(x, y, length, width, heading, size):
    """Return the mask of a rectangle: the pixels whose centre lies inside."""
    rows, columns = np.mgrid[:size, :size] + 0.5
    u = (columns - x) * np.cos(heading) + (rows - y) * np.sin(heading)
    v = (rows - y) * np.cos(heading) - (columns - x) * np.sin(heading)
    return (abs(u) <= length / 2) & (abs(v) <= width / 2)


def blob(rng, size=40):
    """Return the mask of some random discs and single pixels."""
    rows, columns = np.mgrid[:size, :size]
    mask = np.zeros((size, size), dtype=bool)
    for _ in range(rng.integers(1, 4)):
        x, y, radius = rng.integers(size), rng.integers(size), rng.uniform(0, 8)
        mask |= (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    return mask


def pixel_corners(mask):
    rows, columns = np.nonzero(mask)
    return np.concatenate([np.stack([columns + i, rows + j], 1) for i in (0, 1) for j in (0, 1)])


def turned(points, heading):
    """Return the points' places along and across a heading."""
    cos, sin = np.cos(heading), np.sin(heading)
    return points @ np.array([[cos, -sin], [sin, cos]])


def angle_between(a, b):
    """Return the angle between two headings, bow and stern alike."""
    return abs((a - b + np.pi / 2) % np.pi - np.pi / 2)


def test_random_rectangles():
    """Does a large rectangle at any heading come back, to two pixels?"""
    rng = np.random.default_rng(0)
    for _ in range(60):
        x, y = rng.uniform(140, 160, 2)
        length, heading = rng.uniform(100, 180), rng.uniform(0, np.pi)
        width = rng.uniform(0.1, 0.7) * length
        box = mask_to_oriented_box(rectangle(x, y, length, width, heading, 300))
        assert (box.x, box.y) == pytest.approx((x, y), abs=1)
        assert (box.length, box.width) == pytest.approx((length, width), abs=2)
        assert angle_between(box.heading, heading) < 3 / length
        assert 0 <= box.heading < np.pi


@pytest.mark.parametrize("seed", range(4))
def test_brute_force(seed):
    """Is no rectangle smaller at any of 1,000 headings, and does the box hold every pixel?"""
    rng = np.random.default_rng(seed)
    for _ in range(5):
        mask = blob(rng)
        box, points = mask_to_oriented_box(mask), pixel_corners(mask)
        areas = [
            np.ptp(turned(points, heading), axis=0).prod()
            for heading in np.linspace(0, np.pi / 2, 1000)
        ]
        area = box.length * box.width
        assert area <= min(areas) + 1e-9
        assert area >= 0.99 * min(areas)
        offsets = abs(turned(points - [box.x, box.y], box.heading))
        assert offsets.max(0) == pytest.approx([box.length / 2, box.width / 2], abs=1e-9)
        assert box.length >= box.width and 0 <= box.heading < np.pi
        upright, oriented = box_fill(mask)
        assert 0 < upright <= oriented + 1e-12 <= 1 + 1e-9


@pytest.mark.parametrize(
    ("length", "width", "heading"), [(9, 3, 0), (9, 3, np.pi / 2), (1, 1, 0), (4, 4, 0)]
)
def test_upright(length, width, heading):
    """Is an upright rectangle its own box, with its heading to a digit?"""
    mask = rectangle(20, 20, length, width, heading, 40)
    mask = rectangle(20.5, 20.5, length, width, heading, 40) if length % 2 else mask
    middle = 20.5 if length % 2 else 20.0
    assert mask_to_oriented_box(mask) == OrientedBox(middle, middle, length, width, heading)
    assert box_fill(mask) == (1.0, 1.0)


def test_diagonals():
    """Does the heading grow downwards, from 0 at the right to below a half turn?"""
    down = mask_to_oriented_box(np.eye(12, dtype=bool))
    up = mask_to_oriented_box(np.eye(12, dtype=bool)[::-1])
    for box, heading in ((down, np.pi / 4), (up, 3 * np.pi / 4)):
        assert box.heading == pytest.approx(heading)
        assert (box.x, box.y) == pytest.approx((6, 6))
        assert (box.length, box.width) == pytest.approx((12 * 2**0.5, 2**0.5))
    assert box_fill(np.eye(12, dtype=bool)) == pytest.approx((1 / 12, 12 / (12 * 2)))


def test_holes_and_parts():
    """Does the box reach around all parts of a mask, and over its holes?"""
    mask = np.zeros((10, 20), dtype=bool)
    mask[2:5, 3:9] = True
    hollow = mask.copy()
    hollow[3, 4:8] = False
    assert mask_to_oriented_box(hollow) == mask_to_oriented_box(mask)
    mask[2:5, 15] = True
    assert mask_to_oriented_box(mask) == OrientedBox(9.5, 3.5, 13, 3, 0)


def test_where_it_pays():
    """Do real ships fill more of an oriented box where they are long and aslant, and only there?"""
    folder = load_harbours()
    gains, fractions = {True: [], False: []}, []
    for index in folder.with_ships:
        for mask in folder.masks(index).numpy():
            box = mask_to_oriented_box(mask)
            off = angle_between(2 * box.heading, 0) / 2  # from the nearest axis
            upright, oriented = box_fill(mask)
            assert oriented >= upright - 1e-12
            fractions.append((upright, oriented))
            gains[box.length >= 2.5 * box.width and off > np.radians(15)].append(oriented / upright)
    assert len(gains[True]) + len(gains[False]) == 399 and len(gains[True]) > 80
    assert np.median(gains[True]) > 1.4 and np.median(gains[False]) < 1.05
    # Where masks are compared, a perfect upright box misses every fifth ship, an oriented one none.
    missed = (np.array(fractions) <= 0.5).mean(0)
    assert missed[0] > 0.2 and missed[1] == 0
