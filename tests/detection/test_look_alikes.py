import numpy as np
import pytest
from numpy.random import default_rng

from course_utils.detection.look_alikes import LOOK_ALIKES


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
