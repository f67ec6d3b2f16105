import time

import pytest
import torch

from course_utils.checkpoint import load_checkpoint, save_checkpoint
from course_utils.detections import Detections
from course_utils.hard_negatives import HardNegative, Ranking
from course_utils.scene import Scene


def negative(index, score, level=None):
    """Make a find; its surroundings have the given level, or one that no other has."""
    image = torch.full((3, 64, 64), index * 9 % 256 if level is None else level, dtype=torch.uint8)
    found = Detections(torch.tensor([[20.0, 20, 30, 30]]), torch.tensor([score]))
    return HardNegative.of(index, Scene(f"scene{index}", image, torch.empty(0, 4)), found)


def test_ranked():
    """Are the hardest kept, in falling order, in whatever order they come?"""
    items = [negative(i, s) for i, s in enumerate([0.3, 0.9, 0.1, 0.7, 0.5])]
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 3, 1]):
        ranking = Ranking(3, 4.0)
        for i in order:
            ranking.add([items[i]])
        assert [item.index for item in ranking.items] == [1, 3, 4]
        assert [item.score for item in ranking.items] == pytest.approx([0.9, 0.7, 0.5])


def test_ties():
    """Does the lower index lead where scores are equal?"""
    ranking = Ranking(2, 4.0)
    ranking.add([negative(7, 0.5), negative(2, 0.5), negative(5, 0.5)])
    assert [item.index for item in ranking.items] == [2, 5]
    ranking.add([negative(6, 0.5), negative(3, 0.5)])
    assert [item.index for item in ranking.items] == [2, 3]


def test_any_score():
    """Are finds of any score ranked, as those of a detector that gives logits?"""
    ranking = Ranking(3, 4.0)
    ranking.add([negative(1, -7.0), negative(2, -1.5)])
    assert [item.index for item in ranking.items] == [2, 1]


def test_near_duplicates():
    """Is the weaker of two that look alike dropped, and both kept with distinct=0?"""
    alike = [negative(1, 0.6, level=100), negative(2, 0.8, level=103), negative(3, 0.4, level=120)]
    for distinct, kept in ((4.0, [2, 3]), (0.0, [2, 1, 3]), (2.0, [2, 1, 3])):
        ranking = Ranking(5, distinct)
        ranking.add(alike)
        assert [item.index for item in ranking.items] == kept


def thinned_by_hand(items, distinct, most):
    """Sort all, then keep each that looks like none that is kept."""
    kept = []
    for item in sorted(items, key=lambda item: (-item.score, item.index)):
        apart = [(item.look - other.look).square().mean() ** 0.5 for other in kept]
        if all(distance >= distinct for distance in apart):
            kept.append(item)
    return kept[:most]


@pytest.mark.parametrize("most", [5, 12, 400])
def test_thinned_as_by_hand(most):
    """Is what each addition leaves the same as sorting and thinning all of it anew?"""
    generator = torch.Generator().manual_seed(most)
    ranking, kept = Ranking(most, 4.0), []
    dropped = 0
    for start in range(0, 300, 7):
        levels = torch.randint(0, 256, (7,), generator=generator).tolist()
        scores = (torch.randint(1, 30, (7,), generator=generator) / 30).tolist()  # with ties
        new = [negative(start + i, scores[i], level=levels[i]) for i in range(7)]
        ranking.add(new)
        dropped += len(kept) + 7
        kept = thinned_by_hand([*kept, *new], 4.0, most)
        dropped -= len(kept)
        assert [item.index for item in ranking.items] == [item.index for item in kept]
    assert dropped > 100


def test_long_ranking():
    """Does a ranking of 4,000 take in 64 more in a tenth of a second of CPU time?"""

    def some(count, first=0):
        generator = torch.Generator().manual_seed(first)
        box = torch.tensor([[0.0, 0, 9, 9]])
        return [
            HardNegative(
                first + i,
                "a",
                Detections(box, torch.rand(1, generator=generator)),
                255 * torch.rand(192, generator=generator),
            )
            for i in range(count)
        ]

    ranking = Ranking(4000, 4.0)
    ranking.add(some(4000))
    batches = [some(64, first) for first in range(4000, 5000, 64)]
    start = time.process_time()
    for batch in batches:
        ranking.add(batch)
    assert (time.process_time() - start) / len(batches) < 0.1


def test_surroundings():
    """Are the surroundings those of the best find, also at the image's border?"""
    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    image[:, :8, :8] = 200
    boxes = torch.tensor([[0.0, 0, 6, 6], [40.0, 40, 50, 50]])
    looks = []
    for scores in ([0.9, 0.1], [0.1, 0.9]):
        found = Detections(boxes, torch.tensor(scores))
        looks.append(HardNegative.of(0, Scene("a", image, torch.empty(0, 4)), found).look)
    assert looks[0].shape == (192,) and looks[0].max() == 200 and looks[1].max() == 0


@pytest.mark.parametrize(
    "centre, corner",
    [((30, 25), (14, 9)), ((30.9, 25.5), (14, 9)), ((3, 16), (0, 0)), ((63, 17), (32, 1))],
)
def test_place_of_the_surroundings(centre, corner):
    """Are they the 32 pixels around a find's centre, moved into the image where they leave it?"""
    y, x = torch.meshgrid(torch.arange(48), torch.arange(64), indexing="ij")
    image = torch.stack([x, y, x + y]).byte()
    box = torch.tensor([[centre[0] - 1.0, centre[1] - 1, centre[0] + 1, centre[1] + 1]])
    scene = Scene("a", image, torch.empty(0, 4))
    look = HardNegative.of(0, scene, Detections(box, torch.tensor([0.5]))).look.view(3, 8, 8)
    means = torch.arange(8) * 4 + 1.5  # of four pixels each
    assert torch.equal(look[0], (corner[0] + means).expand(8, 8))
    assert torch.equal(look[1], (corner[1] + means).expand(8, 8).T)


def test_image_smaller_than_the_surroundings():
    """Is the whole of a small image looked at?"""
    image = torch.arange(3 * 24 * 24).view(3, 24, 24).byte()
    found = Detections(torch.tensor([[21.0, 20, 24, 24]]), torch.tensor([0.5]))
    look = HardNegative.of(0, Scene("a", image, torch.empty(0, 4)), found).look
    assert torch.allclose(look.view(3, 8, 8), torch.nn.functional.avg_pool2d(image.float(), 3))


@pytest.mark.parametrize("scores", [[], [0.6], [0.6, 0.8, 0.7]])
def test_state(tmp_path, scores):
    """Does a ranking come back from its state in a checkpoint as it was?"""
    ranking, other = Ranking(3, 4.0), Ranking(3, 4.0)
    ranking.add(negative(i, score) for i, score in enumerate(scores))
    save_checkpoint(tmp_path / "ranking.pt", ranking.state())
    other.load(load_checkpoint(tmp_path / "ranking.pt"))
    assert [(i.index, i.name, i.score) for i in other.items] == [
        (i.index, i.name, i.score) for i in ranking.items
    ]
    for one, two in zip(ranking.items, other.items, strict=True):
        assert torch.equal(one.look, two.look)
        assert torch.equal(one.detections.boxes, two.detections.boxes)
        assert torch.equal(one.detections.scores, two.detections.scores)
