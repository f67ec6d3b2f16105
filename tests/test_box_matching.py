from types import SimpleNamespace

import pytest
import torch

from course_utils.box_matching import box_overlaps, match_boxes, match_overlaps
from course_utils.detections import Detections


def in_row(*starts, width=10):
    """Return boxes of one row, 10 pixels high, by where they start."""
    return torch.tensor([[start, 0, start + width, 10] for start in starts]).reshape(-1, 4).float()


def found(*starts, scores=None):
    """Return detections at these starts, their scores falling."""
    scores = scores or [1 - 0.1 * number for number in range(len(starts))]
    return Detections(in_row(*starts), torch.tensor(scores))


def test_doubles_are_false():
    """Is the second detection of the same box a false positive?"""
    assert match_boxes(found(0, 1, 50), in_row(0)).tolist() == [0, -1, -1]


def test_the_best_score_chooses_first():
    """Does the better score take the box, though the other detection overlaps it more?"""
    assert match_boxes(found(0, 2, scores=[0.5, 0.9]), in_row(0)).tolist() == [0, -1]
    assert match_boxes(found(0, 2, scores=[0.5, 0.9]), in_row(0, 50)).tolist() == [0, -1]


def test_takes_the_highest_overlap():
    """Does a detection take the box that it overlaps most, of those that are enough?"""
    assert match_boxes(found(3), in_row(0, 2, 5)).tolist() == [1]


def test_takes_the_next_free_box():
    """Does a detection whose best box is taken get the next one that it overlaps enough?"""
    assert match_boxes(found(0, 1), in_row(0, 4)).tolist() == [0, 1]


def test_no_exchange():
    """Is a box once taken never given back, though that would find one more?"""
    # the first overlaps both boxes, the second only the one that the first prefers
    overlaps = torch.tensor([[0.8, 0.7], [0.6, 0.2]])
    assert match_overlaps(overlaps, iou=0.5).tolist() == [0, -1]


def test_exactly_the_threshold():
    """Is an overlap of exactly `iou` a match, and the next higher `iou` none?"""
    half = Detections(in_row(0, width=5), torch.tensor([0.5]))
    assert match_boxes(half, in_row(0), iou=0.5).tolist() == [0]
    assert match_boxes(half, in_row(0), iou=0.5000001).tolist() == [-1]
    assert match_boxes(found(7), in_row(7), iou=1.0).tolist() == [0]


def test_touching_boxes():
    """Do boxes that share an edge only, as x1 is exclusive, not overlap?"""
    assert box_overlaps(found(10), in_row(0)).tolist() == [[0]]
    assert box_overlaps(found(5), in_row(0)).tolist() == [[pytest.approx(1 / 3)]]


@pytest.mark.parametrize(("detected", "true"), [((), (0, 5)), ((0, 5), ()), ((), ())])
def test_nothing(detected, true):
    """Is nothing matched where there is no detection, or no true box?"""
    matched = match_boxes(found(*detected), in_row(*true))
    assert matched.tolist() == [-1] * len(detected) and matched.dtype == torch.int64


def test_wrong_order():
    """Does a pair in the wrong order, or of `detect`, raise a sentence?"""
    with pytest.raises(TypeError, match="Tensor and Detections.*in this order"):
        match_boxes(in_row(0), found(0))
    with pytest.raises(TypeError, match="SimpleNamespace and Detections"):
        match_boxes(SimpleNamespace(boxes=in_row(0)), found(0))


def test_bad_true_boxes():
    """Do true boxes filled up with NaN raise a sentence?"""
    with pytest.raises(ValueError, match="The true boxes hold .nan.*row 1"):
        match_boxes(found(0), torch.cat([in_row(0), torch.full((1, 4), torch.nan)]))


@pytest.mark.parametrize("iou", [0.0, -1.0, 1.5, 50, float("nan")])
def test_bad_iou(iou):
    """Does an `iou` out of its range raise a sentence?"""
    with pytest.raises(ValueError, match=f"iou is {iou}, .* above 0 and at most 1"):
        match_boxes(found(0), in_row(0), iou=iou)


def test_bad_overlaps():
    """Do overlaps that are no table raise a sentence?"""
    with pytest.raises(ValueError, match=r"\(3,\).*two dimensions"):
        match_overlaps(torch.zeros(3), iou=0.5)


def slow_matching(detected, true, limit):
    """Match in plain Python; of equal overlaps the last box is taken."""

    def overlap(first, second):
        width = min(first[2], second[2]) - max(first[0], second[0])
        height = min(first[3], second[3]) - max(first[1], second[1])
        both = max(width, 0) * max(height, 0)
        areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
        return both / (sum(areas) - both)

    matched = []
    for box in detected:
        best, place = limit, -1
        for index, other in enumerate(true):
            if index not in matched and overlap(box, other) >= best:
                best, place = overlap(box, other), index
        matched.append(place)
    return matched


@pytest.mark.parametrize("seed", range(60))
def test_against_plain_python(seed):
    """Does the matching agree with a slow one on crowded random boxes, ties among them?"""
    generator = torch.Generator().manual_seed(seed)

    def random_boxes(count):
        starts = torch.randint(0, 4, (count, 2), generator=generator)
        return torch.cat([starts, starts + torch.randint(3, 9, (count, 2), generator=generator)], 1)

    detections = Detections(random_boxes(25).float(), torch.rand(25, generator=generator))
    true_boxes, limit = random_boxes(15), (0.3, 0.5, 0.75)[seed % 3]
    expected = slow_matching(detections.boxes.tolist(), true_boxes.tolist(), limit)
    assert match_boxes(detections, true_boxes, iou=limit).tolist() == expected
    assert -1 in expected and max(expected) >= 0


def test_one_of_two_is_wrong():
    """Is either argument refused alone where it is of another type?"""
    for arguments in ((in_row(0), in_row(0)), (found(0), [[0.0, 0, 9, 9]])):
        with pytest.raises(TypeError, match="but it takes Detections and a tensor"):
            box_overlaps(*arguments)


def test_type_of_an_empty_table():
    """Are overlaps float64 where there is nothing to overlap as well?"""
    for table in (box_overlaps(found(), in_row(0)), box_overlaps(found(0), in_row())):
        assert table.dtype == torch.float64
