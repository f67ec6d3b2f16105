import numpy as np
import pytest
import torch
from numpy.random import default_rng

from course_utils.detection.look_alikes import LOOK_ALIKES, nearest_kind
from course_utils.detection.scenes import Scene


@pytest.mark.parametrize("kind", LOOK_ALIKES)
def test_box(kind):
    """Is each kind mostly in sight, inside the image, and does it change it where its box says?"""
    in_sight = 0
    for seed in range(50):
        image = np.full((96, 96, 3), 60, np.float32)
        rng = default_rng(seed)
        box = LOOK_ALIKES[kind](image, *rng.uniform(8, 88, 2), rng.uniform(0, 7), rng)
        if box is None:
            continue
        in_sight += 1
        x0, y0, x1, y1 = map(int, box)
        assert 0 <= x0 < x1 <= 96 and 0 <= y0 < y1 <= 96
        assert np.abs(image[y0:y1, x0:x1] - 60).max() > 25
        assert np.isfinite(image).all()
    assert in_sight >= 40


def test_nearest_kind():
    """Is the look-alike at a detection named, and none where there is none near it?"""
    boxes = torch.tensor([[0.0, 0, 10, 10], [40, 40, 50, 60]])
    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    scene = Scene("a", image, torch.empty(0, 4), ("pier", "cloud"), boxes)
    assert nearest_kind(scene, torch.tensor([2.0, 2, 6, 6])) == "pier"
    assert nearest_kind(scene, torch.tensor([38.0, 40, 52, 50])) == "cloud"
    assert nearest_kind(scene, torch.tensor([50.0, 0, 60, 10])) is None
    assert nearest_kind(Scene("b", image, torch.empty(0, 4)), boxes[0]) is None
