import numpy as np
import torch

from course_utils.detection.centernet import boxes_to_maps
from course_utils.detection.scenes import Scene, SceneLoader, pack
from course_utils.detection.synthetic import SimulatedScenes


def test_real_scene():
    """Has a scene without look-alikes an empty list of boxes for them, in the boxes' form?"""
    scene = Scene("a", torch.zeros(3, 4, 5).byte(), torch.tensor([[0.0, 0.0, 1.0, 1.0]]))
    assert scene.kinds == ()
    assert scene.look_alikes.shape == (0, 4)
    assert scene.look_alikes.dtype == torch.float32


def marked(count, size=64, first=0, box=True):
    """Make scenes whose pixels all hold the scene's number, with one box each or none."""
    return [
        Scene(
            str(i),
            torch.full((3, size, size), i, dtype=torch.uint8),
            torch.tensor([[4.0, 8, 20, 28]]) if box else torch.empty(0, 4),
        )
        for i in range(first, first + count)
    ]


def numbers(images):
    return images[:, 0, 0, 0].tolist()


def test_pack():
    """Do images and boxes come out as they went in, short lists filled up with NaN?"""
    scenes = [*SimulatedScenes(5, ships=True, size=64), *SimulatedScenes(2, ships=False, size=64)]
    packed = pack(scenes)
    assert len(packed) == 7 and packed.images.dtype == torch.uint8
    for i, scene in enumerate(scenes):
        assert torch.equal(packed.images[i], scene.image)
        real = packed.boxes[i][~packed.boxes[i][:, 0].isnan()]
        assert torch.equal(real, scene.boxes)


def test_mix():
    """Has each batch its part of scenes without ships, and does each scene come once a round?"""
    batches = SceneLoader(
        pack(marked(12)),
        pack(marked(6, first=100, box=False)),
        negative_fraction=0.5,
        batch_size=4,
        steps=6,
    )
    assert len(batches) == 6
    seen = [numbers(images) for images, _ in batches]
    positives = [n for batch in seen for n in batch if n < 100]
    negatives = [n for batch in seen for n in batch if n >= 100]
    assert sorted(positives) == list(range(12))
    assert sorted(negatives[:6]) == sorted(negatives[6:]) == list(range(100, 106))


def test_seeds_and_epochs():
    """Is the order that of the seed, and another in the next epoch?"""

    def epoch(batches):
        return [numbers(images) for images, _ in batches]

    one, same, other = (
        SceneLoader(pack(marked(30)), batch_size=4, steps=5, seed=s) for s in (1, 1, 2)
    )
    first = epoch(one)
    assert first == epoch(same) != epoch(other)
    assert first == epoch(SceneLoader(pack(marked(30)), batch_size=4, steps=5, seed=np.int32(1)))
    assert first != epoch(one)


def test_turned_boxes():
    """Do the boxes turn with their images?"""
    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    image[:, 8:28, 4:20] = 200
    packed = pack([Scene("a", image, torch.tensor([[4.0, 8, 20, 28]]))])
    looks = set()
    for images, maps in SceneLoader(packed, batch_size=1, steps=40):
        rows, columns = (images[0, 0] == 200).nonzero(as_tuple=True)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        box = torch.tensor([float(edge) for edge in box])
        assert torch.allclose(maps, boxes_to_maps(box[None, None], 64, 64))
        looks.add(tuple(box.tolist()))
    assert len(looks) == 8  # four turns, each mirrored or not; the box is not square
