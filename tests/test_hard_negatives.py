import pytest
import torch

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


def test_near_duplicates():
    """Is the weaker of two that look alike dropped, and both kept with distinct=0?"""
    alike = [negative(1, 0.6, level=100), negative(2, 0.8, level=103), negative(3, 0.4, level=120)]
    for distinct, kept in ((4.0, [2, 3]), (0.0, [2, 1, 3]), (2.0, [2, 1, 3])):
        ranking = Ranking(5, distinct)
        ranking.add(alike)
        assert [item.index for item in ranking.items] == kept


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


def test_state():
    """Does a ranking come back from its state as it was?"""
    ranking, other = Ranking(3, 4.0), Ranking(3, 4.0)
    ranking.add([negative(1, 0.6), negative(2, 0.8)])
    other.load(ranking.state())
    assert [(i.index, i.name, i.score) for i in other.items] == [
        (i.index, i.name, i.score) for i in ranking.items
    ]
    assert all(torch.equal(a.look, b.look) for a, b in zip(ranking.items, other.items, strict=True))
