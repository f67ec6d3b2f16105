import pytest
import torch

from course_utils.detection.boxes import (
    Detections,
    box_overlaps,
    match_boxes,
    match_overlaps,
    suppress,
)


def squares(*corners, size=10.0):
    """Return square boxes with these upper left corners."""
    starts = torch.tensor(corners, dtype=torch.float32).reshape(-1, 2)
    return torch.cat([starts, starts + size], 1)


def test_sorted_by_falling_score():
    """Are boxes and scores sorted together, the best first?"""
    found = Detections(squares((0, 0), (1, 1), (2, 2)), torch.tensor([0.2, 0.9, 0.5]))
    assert found.scores.tolist() == pytest.approx([0.9, 0.5, 0.2])
    assert found.boxes[:, 0].tolist() == [1, 2, 0]
    assert len(found) == 3


def test_ties_stay_in_their_order():
    """Do detections of the same score stay in the order in which they were given?"""
    corners = [(number, 0) for number in range(100)]
    found = Detections(squares(*corners), torch.full((100,), 0.5))
    assert found.boxes[:, 0].tolist() == list(range(100))


def test_given_tensors_stay():
    """Does the sorting leave the tensors alone that were given?"""
    scores = torch.tensor([0.1, 0.9])
    Detections(squares((0, 0), (1, 1)), scores)
    assert scores.tolist() == pytest.approx([0.1, 0.9])


def test_frozen():
    """Is an assignment refused, which could undo the order?"""
    with pytest.raises(AttributeError):
        Detections(squares((0, 0)), torch.tensor([0.5])).scores = torch.zeros(1)


def test_none():
    """May there be no detection at all?"""
    found = Detections(torch.empty(0, 4), torch.empty(0))
    assert len(found) == len(found.above(0.0)) == len(suppress(found)) == 0


def test_above_keeps_the_threshold_itself():
    """Does a detection whose score is the threshold stay?"""
    scores = torch.tensor([0.1, 0.7, 0.3])
    found = Detections(squares((0, 0), (1, 1), (2, 2)), scores)
    kept = found.above(float(scores[2]))
    assert kept.boxes[:, 0].tolist() == [1, 2]
    assert len(found.above(0.8)) == 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats(dtype):
    """Are half and double precision taken, and kept?"""
    found = Detections(squares((0, 0), (1, 1)).to(dtype), torch.tensor([0.1, 0.9], dtype=dtype))
    kept = suppress(found.above(0.5))
    assert len(kept) == 1 and kept.boxes.dtype == kept.scores.dtype == dtype


@pytest.mark.parametrize(
    ("boxes", "sentence"),
    [
        (torch.zeros(4), r"\(4,\).*need \(n, 4\)"),
        (torch.empty(0), r"\(0,\).*\(0, 4\) for none"),
        (
            torch.tensor([[0.0, 0, 1, 1], [5, 0, 5, 1]]),
            r"\[5.0, 0.0, 5.0, 1.0\] \(row 1\).*x0 < x1",
        ),
        (torch.tensor([[0.0, 3, 1, 2]]), r"\(row 0\).*y0 < y1: mend or drop it"),
        (torch.tensor([[0.0, 0, torch.inf, 2]]), "inf.*finite"),
        (torch.cat([squares((0, 0)), torch.full((1, 4), torch.nan)]), "nan.*row 1"),
    ],
)
def test_bad_boxes(boxes, sentence):
    """Do boxes of a wrong shape, without area or not finite raise a sentence that shows them?"""
    with pytest.raises(ValueError, match=f"The detected boxes .*{sentence}"):
        Detections(boxes, torch.zeros(len(boxes)))
    with pytest.raises(ValueError, match=f"The true boxes .*{sentence}"):
        match_boxes(Detections(squares((0, 0)), torch.zeros(1)), boxes)


def test_suppress():
    """Is a box dropped that overlaps a better one by more than `iou_threshold`, and no other?"""
    # overlaps with the first: 8 / 12 and 2 / 18
    boxes = squares((0, 0), (2, 0), (8, 0))
    found = Detections(boxes, torch.tensor([0.9, 0.8, 0.7]))
    assert suppress(found).boxes[:, 0].tolist() == [0, 8]
    assert suppress(found, iou_threshold=0.7).boxes[:, 0].tolist() == [0, 2, 8]
    assert suppress(found, iou_threshold=0.1).boxes[:, 0].tolist() == [0]
    assert len(suppress(Detections(boxes[:2], torch.tensor([0.9, 0.8])))) == 1


def test_suppressed_box_suppresses_none():
    """Does a box stay whose only better neighbour was itself dropped?"""
    boxes = squares((0, 0), (3, 0), (6, 0))  # overlaps of neighbours 7 / 13, else 4 / 16
    assert suppress(Detections(boxes, torch.tensor([0.9, 0.8, 0.7]))).boxes[:, 0].tolist() == [0, 6]


def in_row(*starts, width=10):
    """Return boxes of one row, 10 pixels high, by where they start."""
    return torch.tensor([[start, 0, start + width, 10] for start in starts]).reshape(-1, 4).float()


def found(*starts, scores=None):
    """Return detections at these starts, their scores falling."""
    scores = scores or [1 - 0.1 * number for number in range(len(starts))]
    return Detections(in_row(*starts), torch.tensor(scores))


def test_duplicates_are_false():
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
    assert match_overlaps(overlaps, iou_threshold=0.5).tolist() == [0, -1]


def test_exactly_the_threshold():
    """Is an overlap of exactly `iou_threshold` a match, and one just below it none?"""
    half = Detections(in_row(0, width=5), torch.tensor([0.5]))
    assert match_boxes(half, in_row(0), iou_threshold=0.5).tolist() == [0]
    assert match_boxes(half, in_row(0), iou_threshold=0.5000001).tolist() == [-1]
    assert match_boxes(found(7), in_row(7), iou_threshold=1.0).tolist() == [0]


def test_touching_boxes():
    """Do boxes that share an edge only, as x1 is exclusive, not overlap?"""
    assert box_overlaps(found(10), in_row(0)).tolist() == [[0]]
    assert box_overlaps(found(5), in_row(0)).tolist() == [[pytest.approx(1 / 3)]]


@pytest.mark.parametrize(("detected", "true"), [((), (0, 5)), ((0, 5), ()), ((), ())])
def test_nothing(detected, true):
    """Is nothing matched where there is no detection, or no true box?"""
    assert box_overlaps(found(*detected), in_row(*true)).dtype == torch.float64
    matched = match_boxes(found(*detected), in_row(*true))
    assert matched.tolist() == [-1] * len(detected) and matched.dtype == torch.int64
