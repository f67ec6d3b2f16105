import numpy as np
import pytest

from course_utils.painting import bar, bounds, frame


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
