import torch
from machine_speed import quiet_seconds

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
    longest = []
    for scene in SimulatedScenes(200, ships=True, seed=1):
        x0, y0, x1, y1 = scene.boxes.unbind(1)
        assert len(scene.boxes) and scene.image.shape == (3, 128, 128)
        assert (x0 >= 0).all() and (y0 >= 0).all() and (x1 <= 128).all() and (y1 <= 128).all()
        longest += torch.maximum(x1 - x0, y1 - y0).tolist()
    longest = torch.tensor(longest)
    assert longest.max() <= 46 and 10 < longest.median() < 20 and (longest < 8).any()


def test_boxes_show_something():
    """Does the inside of nearly every ship's box differ from the water around it?"""
    contrast = []
    for scene in SimulatedScenes(100, ships=True, seed=2):
        image = scene.image.float().mean(0)
        for x0, y0, x1, y1 in scene.boxes.int().tolist():
            around = image[max(y0 - 4, 0) : y1 + 4, max(x0 - 4, 0) : x1 + 4]
            contrast.append(float((image[y0:y1, x0:x1] - around.median()).abs().max()))
    assert sum(value > 15 for value in contrast) > 0.98 * len(contrast)


def test_grounds():
    """Do most scenes without ships hold more than water, and do ships lie on water alone?"""
    empty = [scene.ground for scene in SimulatedScenes(400, ships=False, seed=1, size=96)]
    assert 0.55 < sum(ground != "water" for ground in empty) / 400 < 0.75
    assert {"water", "coast", "harbour", "land"} == set(empty)
    grounds = {scene.ground for scene in SimulatedScenes(100, ships=True, seed=1, size=96)}
    assert {"water", "coast", "harbour"} == grounds


def test_contrast_finds_no_look_alikes():
    """Are the brightest scenes without ships mostly others than those with look-alikes?"""
    scenes = [*SimulatedScenes(600, ships=False, look_alikes=0.1, seed=7, size=96)]
    spread = [float(scene.image.max() - scene.image.min()) for scene in scenes]
    hardest = sorted(range(600), key=lambda i: -spread[i])[:60]
    assert sum(bool(scenes[i].kinds) for i in hardest) < 20


def test_look_alikes_beside_ships():
    """Do scenes with ships hold look-alikes where asked for, apart from the ships?"""
    scenes = [*SimulatedScenes(300, ships=True, look_alikes=0.3, seed=2, size=96)]
    assert 60 < sum(bool(scene.kinds) for scene in scenes) < 120


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
        assert (careless[i].image.int() - careful[i].image.int()).abs().max() > 30


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
    """Does a family's water stand out: is it more like its own family's than like another's?"""
    seas = []
    for family in range(20):
        scenes = SimulatedScenes(20, ships=False, size=64, seed=3, first_family=family)
        water = [scene.image for scene in scenes if scene.ground == "water"][:2]
        seas.append(torch.stack([image.float().flatten(1).median(1).values for image in water]))
    seas = torch.stack(seas)
    within = (seas - seas.median(1, keepdim=True).values).abs().median()
    between = (seas.median(1).values - seas.median(1).values.median(0).values).abs().median()
    assert between > 5 * within


def test_fast():
    """Does a scene of the lesson's size take 3 ms of one core at the most?"""
    kinds = [SimulatedScenes(200, ships, look_alikes=0.1, size=96) for ships in (True, False)]
    parts = iter(range(0, 200, 25))

    def fifty():
        first = next(parts)
        for scenes in kinds:
            for i in range(first, first + 25):
                scenes[i]

    assert quiet_seconds(fifty, rounds=8) / 50 < 3e-3
