from dataclasses import FrozenInstanceError

import pytest
import torch

from course_utils.scene import Scene

IMAGE = torch.zeros(3, 4, 5, dtype=torch.uint8)


def test_real_scene():
    """Has a scene without look-alikes an empty list of boxes for them, in the boxes' form?"""
    scene = Scene("a", IMAGE, torch.tensor([[0.0, 0.0, 1.0, 1.0]]))
    assert scene.kinds == ()
    assert scene.look_alikes.shape == (0, 4)
    assert scene.look_alikes.dtype == torch.float32
    joined = torch.cat([scene.boxes, scene.look_alikes])
    assert joined.tolist() == [[0, 0, 1, 1]]


def test_default_is_not_shared():
    """Has each scene a list of its own?"""
    first, second = (Scene(name, IMAGE, torch.empty(0, 4)) for name in "ab")
    assert first.look_alikes is not second.look_alikes


def test_frozen():
    """Can a scene's parts not be exchanged behind its back?"""
    scene = Scene("a", IMAGE, torch.empty(0, 4), ("buoy",), torch.ones(1, 4))
    assert len(scene.kinds) == len(scene.look_alikes)
    with pytest.raises(FrozenInstanceError):
        scene.name = "b"
