import pytest
import torch

from course_utils.centre_maps import boxes_to_maps
from course_utils.scene import Scene
from course_utils.scene_batches import SceneBatches, pack
from course_utils.scene_generator import SimulatedScenes


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


@pytest.mark.parametrize(
    "scenes, words",
    [
        ([], "0 scenes"),
        ([*marked(1, 64), *marked(1, 96)], "2 scenes of the sizes"),
        (marked(1, 66), "66 x 66 pixels"),
    ],
)
def test_bad_scenes(scenes, words):
    """Do scenes that cannot be packed raise a sentence?"""
    with pytest.raises(ValueError, match=words):
        pack(scenes)


def test_mix():
    """Has each batch its share of scenes without ships, and does each scene come once a round?"""
    batches = SceneBatches(
        pack(marked(12)),
        pack(marked(6, first=100, box=False)),
        negative_share=0.5,
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
        SceneBatches(pack(marked(30)), batch_size=4, steps=5, seed=s) for s in (1, 1, 2)
    )
    first = epoch(one)
    assert first == epoch(same) != epoch(other)
    assert first != epoch(one)


def test_turned_boxes():
    """Do the boxes turn with their images?"""
    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    image[:, 8:28, 4:20] = 200
    packed = pack([Scene("a", image, torch.tensor([[4.0, 8, 20, 28]]))])
    looks = set()
    for images, maps in SceneBatches(packed, batch_size=1, steps=40):
        rows, columns = (images[0, 0] == 200).nonzero(as_tuple=True)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        box = torch.tensor([float(edge) for edge in box])
        assert torch.allclose(maps, boxes_to_maps(box[None, None], 64, 64))
        looks.add(tuple(box.tolist()))
    assert len(looks) == 8  # four turns, each mirrored or not; the box is not square


@pytest.mark.parametrize(
    "change, words",
    [
        ({"negative_share": 1.0}, "negative_share is 1.0"),
        ({"negative_share": 0.5}, "no scenes without ships"),
        ({"steps": 0}, "steps is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_bad_settings(change, words):
    """Does a setting out of its range raise a sentence?"""
    with pytest.raises(ValueError, match=words):
        SceneBatches(pack(marked(3)), **{"steps": 2, **change})


def test_two_sizes():
    """Do pools of two sizes raise a sentence?"""
    with pytest.raises(ValueError, match="need one square"):
        SceneBatches(pack(marked(3)), pack(marked(3, 96)), negative_share=0.5, steps=1)
