import io
import random

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.data.splits import group_by_ground, split_by_group
from course_utils.detection import Scene
from course_utils.detection.painting import paint_land, random_port, smooth_noise


def port(name):
    return name.partition("_")[0]


def tiles(**sizes):
    """Name so many tiles of each port, in a mixed order."""
    names = [f"{name}_{tile:03}.jpg" for name, size in sizes.items() for tile in range(size)]
    random.Random(0).shuffle(names)
    return names


PORTS = tiles(genoa=102, busan=40, casablanca=6, durban=80, honolulu=6, klang=60, marseille=132)


def test_three_sides():
    """Is no port on two of three sides, where the first side is split again?"""
    for seed in range(100):
        rest, test = split_by_group(PORTS, port, 0.2, seed)
        left = [PORTS[i] for i in rest]
        train, valid = ([left[i] for i in s] for s in split_by_group(left, port, 0.25, seed + 1))
        sides = [train, valid, [PORTS[i] for i in test]]
        assert sorted(name for side in sides for name in side) == sorted(PORTS)
        ports = [{port(name) for name in side} for side in sides]
        assert all(ports) and sum(map(len, ports)) == len(set.union(*ports)) == 7


def test_rising():
    """Are the indices of each side in rising order?"""
    for side in split_by_group(PORTS, port, 0.3, 0):
        assert list(side) == sorted(side)


def test_many_groups_meet_the_fraction():
    """Is the fraction met to a single image where the groups are small?"""
    names = tiles(**{f"port{i}": 1 + i % 3 for i in range(60)})
    assert len(split_by_group(names, port, 0.25, 0)[1]) == pytest.approx(len(names) / 4, abs=1)


def test_seed():
    """Do seeds differ, and does one seed send the same ports to the same side in any order?"""

    def held_out(names, seed):
        return frozenset(port(names[i]) for i in split_by_group(names, port, 0.3, seed)[1])

    assert len({held_out(PORTS, seed) for seed in range(10)}) > 3
    assert held_out(PORTS, 5) == held_out(sorted(PORTS), 5)


@pytest.mark.parametrize(("fraction", "sides"), [(0.001, (99, 1)), (0.999, (1, 99))])
def test_extreme_fraction(fraction, sides):
    """Has each side a group where the fraction asks for next to nothing?"""
    for seed in range(4):
        halves = split_by_group(tiles(large=99, small=1), port, fraction, seed)
        assert tuple(map(len, halves)) == sides


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
