import pytest
import torch

from course_utils.resized_scenes import ResizedScenes
from course_utils.scene import Scene
from course_utils.scene_generator import SimulatedScenes


def test_boxes_stay_on_their_ships():
    """Do a bright block and its box have the same place after the image has shrunk?"""
    image = torch.zeros(3, 64, 128, dtype=torch.uint8)
    image[:, 16:32, 64:96] = 200
    box = torch.tensor([[64.0, 16, 96, 32]])
    (scene,) = [ResizedScenes([Scene("a", image, box)], 32)[0]]
    assert scene.image.shape == (3, 32, 32) and scene.image.dtype == torch.uint8
    assert scene.boxes.tolist() == [[16, 8, 24, 16]]
    rows, columns = (scene.image[0] > 100).nonzero(as_tuple=True)
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == (16, 8, 24, 16)
    assert scene.name == "a"


def test_right_size_is_untouched():
    """Is a scene that has the size already the very same, and the length that of the source?"""
    scenes = SimulatedScenes(3, ships=True, size=64)
    resized = ResizedScenes(scenes, 64)
    assert len(resized) == 3
    assert torch.equal(resized[2].image, scenes[2].image)
    assert torch.equal(resized[2].boxes, scenes[2].boxes)


def test_end():
    """Does it end where its source does, so that it can be looped over?"""
    assert len(list(ResizedScenes(SimulatedScenes(3, ships=False, size=64), 32))) == 3


def test_bad_size():
    """Does a size of 0 raise a sentence?"""
    with pytest.raises(ValueError, match="size is 0"):
        ResizedScenes([], 0)
