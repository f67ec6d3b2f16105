import io

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.detection import Scene
from course_utils.detection.ground import group_by_ground
from course_utils.detection.painting import paint_land, random_port, smooth_noise


def land(seed, size):
    rng = np.random.default_rng(seed)
    image = paint_land(random_port(rng), size, "sheds", rng)
    image += 20 * smooth_noise(size, 30, rng)[..., None]
    return np.clip(image, 0, 255).astype(np.uint8)


def scene(pixels, name="a"):
    return Scene(name, torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), torch.empty(0, 4))


def jpeg(pixels, quality):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "jpeg", quality=quality)
    return np.array(Image.open(file))


def test_overlapping_images():
    """Are neighbours that share blocks found, through JPEG of several qualities, and no others?"""
    large = land(0, 1024)
    cut = [large[:768, :768], large[256:, 256:], large[:768, 256:]]
    pictures = [jpeg(part, quality) for part, quality in zip(cut, (95, 80, 90), strict=True)]
    pictures[1:1] = [jpeg(land(1, 768), 90)]
    groups, unreadable = group_by_ground([scene(p) for p in pictures], readers=2)
    assert groups == [0, 1, 0, 0] and not unreadable


def test_strangers():
    """Are images of many ports apart, and so are those of calm water?"""
    pictures = [land(seed, 256) for seed in range(60)]
    pictures += [np.full((256, 256, 3), 40, np.uint8) + np.uint8(i % 2) for i in range(4)]
    groups, _ = group_by_ground([scene(p) for p in pictures])
    assert groups == list(range(64))


class Broken:
    def __len__(self):
        return 2

    def __getitem__(self, index):
        if index:
            raise ValueError("image 1 is truncated")
        return scene(land(0, 256))


def test_unreadable():
    """Is an image that cannot be read a group of its own, and named?"""
    assert group_by_ground(Broken()) == ([0, 1], ["image 1 is truncated"])


def test_bad_block():
    """Is a block below the grid refused?"""
    with pytest.raises(ValueError, match="block"):
        group_by_ground([], block=4)
