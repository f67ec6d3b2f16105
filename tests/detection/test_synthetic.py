import time

import pytest
import torch

from course_utils.detection.synthetic import SCENES_A_FAMILY, SimulatedScenes, family_of


def test_same_scene_each_time():
    """Does a scene depend on the seed and its number alone, not on what was made before?"""
    scenes = SimulatedScenes(60, ships=True, look_alikes=0.5, seed=3)
    alone, after = scenes[41], [scenes[i] for i in range(42)][41]
    assert torch.equal(alone.image, after.image) and torch.equal(alone.boxes, after.boxes)
    assert not torch.equal(alone.image, SimulatedScenes(60, ships=True, seed=4)[41].image)
    more = SimulatedScenes(1000, ships=True, look_alikes=0.5, seed=3)[41]
    assert torch.equal(alone.image, more.image)


def test_ships():
    """Does each scene with ships hold some, inside the image, of the sizes that ships have?"""
    for scene in SimulatedScenes(200, ships=True, seed=1):
        x0, y0, x1, y1 = scene.boxes.unbind(1)
        assert len(scene.boxes) and scene.image.shape == (3, 128, 128)
        assert (x0 >= 0).all() and (y0 >= 0).all() and (x1 <= 128).all() and (y1 <= 128).all()
        assert ((x1 - x0).clamp(max=99) <= 42).all() and (
            torch.maximum(x1 - x0, y1 - y0) >= 4
        ).all()


def test_boxes_show_something():
    """Is the inside of a ship's box brighter or darker than the water around it?"""
    contrast = []
    for scene in SimulatedScenes(50, ships=True, seed=2):
        image = scene.image.float().mean(0)
        for x0, y0, x1, y1 in scene.boxes.int().tolist():
            contrast.append(float((image[y0:y1, x0:x1] - image.median()).abs().max()))
    assert min(contrast) > 15


def test_empty():
    """Are scenes without ships empty in the ground truth, and look-alikes as rare as asked for?"""
    scenes = [*SimulatedScenes(600, ships=False, look_alikes=0.1, seed=5)]
    assert all(len(scene.boxes) == 0 for scene in scenes)
    share = sum(bool(scene.kinds) for scene in scenes) / len(scenes)
    assert 0.06 < share < 0.14
    assert all(len(scene.kinds) == len(scene.look_alikes) for scene in scenes)
    assert not any(scene.kinds for scene in SimulatedScenes(50, ships=False))


def test_unlabelled():
    """Are unlabelled ships left out of the truth, named, and as frequent as asked for?"""
    careless = SimulatedScenes(300, ships=False, unlabelled=0.1, seed=1)
    marked = [i for i, scene in enumerate(careless) if scene.name.endswith("-unlabelled")]
    assert 15 <= len(marked) <= 45
    careful = SimulatedScenes(300, ships=False, unlabelled=0.0, seed=1)
    for i in marked[:10]:
        assert len(careless[i].boxes) == 0
        assert (careless[i].image.int() - careful[i].image.int()).abs().max() > 40


def test_families():
    """Do scenes of a family share its number, and does no family of one range occur in another?"""
    first = [scene.name for scene in SimulatedScenes(45, ships=True)]
    assert [family_of(name) for name in first[:20]] == ["family00000"] * SCENES_A_FAMILY
    assert len({family_of(name) for name in first}) == 3
    other = SimulatedScenes(45, ships=True, first_family=3)
    assert not {family_of(name) for name in first} & {family_of(s.name) for s in other}


def test_fast():
    """Does a scene take 3 ms of one core at the most?"""
    scenes = SimulatedScenes(100, ships=True, look_alikes=0.3)
    scenes[0]
    start = time.process_time()
    for i in range(100):
        scenes[i]
    assert (time.process_time() - start) / 100 < 3e-3


@pytest.mark.parametrize(
    "change",
    [{"count": -1}, {"size": 32}, {"look_alikes": 1.5}, {"unlabelled": -0.1}, {"seed": -1}],
)
def test_bad_numbers(change):
    """Does a number out of its range raise a sentence that names it?"""
    ((name, value),) = change.items()
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        SimulatedScenes(**{"count": 5, "ships": True, **change})


def test_no_such_scene():
    """Does an index out of range raise, and a negative one count from the end?"""
    scenes = SimulatedScenes(5, ships=True)
    assert scenes[-1].name == scenes[4].name
    with pytest.raises(IndexError, match="no scene 5"):
        scenes[5]
