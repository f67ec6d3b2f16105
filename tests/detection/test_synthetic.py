import time

import torch

from course_utils.detection.synthetic import SCENES_A_FAMILY, SimulatedScenes


def test_same_scene_each_time():
    """Does a scene depend on the seed and its number alone, not on what was made before?"""
    scenes = SimulatedScenes(60, ships=True, look_alikes=0.5, seed=3)
    alone, after = scenes[41], [scenes[i] for i in range(42)][41]
    assert torch.equal(alone.image, after.image) and torch.equal(alone.boxes, after.boxes)
    assert not torch.equal(alone.image, SimulatedScenes(60, ships=True, seed=4)[41].image)
    more = SimulatedScenes(1000, ships=True, look_alikes=0.5, seed=3)[41]
    assert torch.equal(alone.image, more.image) and torch.equal(alone.image, scenes[-19].image)


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
    fraction = sum(bool(scene.kinds) for scene in scenes) / len(scenes)
    assert 0.06 < fraction < 0.14
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


def family_of(name):
    return name.partition("-")[0]


def test_families():
    """Do scenes of a family share its number, and does no family of one range occur in another?"""
    first = [scene.name for scene in SimulatedScenes(45, ships=True)]
    assert all(name.startswith("family00000-") for name in first[:SCENES_A_FAMILY])
    assert len({family_of(name) for name in first}) == 3
    other = SimulatedScenes(45, ships=True, first_family=3)
    assert not {family_of(name) for name in first} & {family_of(s.name) for s in other}


def test_families_differ():
    """Does a family's sea stand out: is a scene more like its own family's than like another's?"""
    seas = torch.stack(
        [
            scene.image.float().flatten(1).median(1).values
            for scene in SimulatedScenes(20 * SCENES_A_FAMILY, ships=False, size=64, seed=3)
        ]
    ).view(20, SCENES_A_FAMILY, 3)
    within = (seas - seas.mean(1, keepdim=True)).square().mean().sqrt()
    between = (seas.mean(1) - seas.mean((0, 1))).square().mean().sqrt()
    assert between > 5 * within


def test_fast():
    """Does a scene take 3 ms of one core at the most?"""
    scenes = SimulatedScenes(100, ships=True, look_alikes=0.3)
    scenes[0]
    start = time.process_time()
    for i in range(100):
        scenes[i]
    assert (time.process_time() - start) / 100 < 3e-3
