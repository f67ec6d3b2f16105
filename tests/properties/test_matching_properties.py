"""What holds for every set of boxes: matching, what is counted by it, and suppression."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.detection.boxes import (
    Detections,
    box_overlaps,
    match_boxes,
    match_overlaps,
    suppress,
)
from course_utils.detection.metrics import (
    average_precision,
    precision_recall,
    threshold_at_recall,
)

CORNER, SIDE = st.integers(0, 12), st.integers(1, 8)
BOX = st.tuples(CORNER, CORNER, SIDE, SIDE).map(lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3]))
BOXES, SOME_BOXES = (
    st.lists(BOX, min_size=least, max_size=6).map(
        lambda rows: torch.tensor(rows).float().view(-1, 4)
    )
    for least in (0, 1)
)
# Eighths, so that scores are often equal, and so are their sums exact.
DETECTIONS = BOXES.flatmap(
    lambda boxes: st.lists(st.integers(0, 8), min_size=len(boxes), max_size=len(boxes)).map(
        lambda eighths: Detections(boxes, torch.tensor(eighths) / 8)
    )
)
# Images, the first of them with a true box
PAIRS = st.tuples(
    st.tuples(DETECTIONS, SOME_BOXES), st.lists(st.tuples(DETECTIONS, BOXES), max_size=2)
).map(lambda parts: [parts[0], *parts[1]])
THRESHOLD = st.floats(0.05, 1)


def overlap(one, other):
    """Compute the intersection over union of two boxes by counting their pixels."""
    pixels = [
        {(x, y) for x in range(int(b[0]), int(b[2])) for y in range(int(b[1]), int(b[3]))}
        for b in (one.tolist(), other.tolist())
    ]
    return len(pixels[0] & pixels[1]) / len(pixels[0] | pixels[1])


def coco_matches(detections, boxes, iou_threshold):
    """Match as the loop of COCO's evaluation code does: the last of equal overlaps wins."""
    taken, matches = set(), []
    for detection in detections.boxes:
        best, match = iou_threshold, -1
        for number, box in enumerate(boxes):
            if number not in taken and overlap(detection, box) >= best:
                best, match = overlap(detection, box), number
        taken.add(match)
        taken.discard(-1)
        matches.append(match)
    return matches


def ranked_hits(pairs, iou_threshold):
    """Return (score, hit) of all detections, the best first, by the loop."""
    rows = [
        (float(score), match >= 0)
        for detections, boxes in pairs
        for score, match in zip(
            detections.scores, coco_matches(detections, boxes, iou_threshold), strict=True
        )
    ]
    return sorted(rows, key=lambda row: -row[0])


@given(DETECTIONS, BOXES)
def test_overlaps(detections, boxes):
    """Are overlaps those of counted pixels, the same both ways, and 1 with the box itself?"""
    table = box_overlaps(detections, boxes)
    assert table.shape == (len(detections), len(boxes))
    expected = [[overlap(one, other) for other in boxes] for one in detections.boxes]
    np.testing.assert_allclose(table, np.reshape(expected, table.shape), atol=1e-12)
    other_way = box_overlaps(Detections(boxes, torch.zeros(len(boxes))), detections.boxes)
    assert torch.equal(other_way.T, table)
    assert (box_overlaps(detections, detections.boxes).diagonal() == 1).all()


@given(DETECTIONS, BOXES, st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0]) | THRESHOLD)
def test_equals_cocos_loop(detections, boxes, iou_threshold):
    """Is each detection matched as COCO's loop matches it, each true box once at the most?"""
    matches = match_boxes(detections, boxes, iou_threshold=iou_threshold)
    assert matches.tolist() == coco_matches(detections, boxes, iou_threshold)
    found = matches[matches >= 0]
    assert len(found.unique()) == len(found)


@given(st.integers(0, 7), st.integers(0, 7), st.integers(0, 2**30), THRESHOLD, THRESHOLD)
def test_stricter_matches_less(rows, columns, seed, one, other):
    """Does a higher threshold never match more, and each match still reach it?"""
    table = torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed))
    counts = []
    for iou_threshold in sorted([one, other]):
        matches = match_overlaps(table, iou_threshold=iou_threshold)
        hits = matches >= 0
        assert (table[hits, matches[hits]] >= iou_threshold).all()
        counts.append(int(hits.sum()))
    assert counts[1] <= counts[0]


@given(DETECTIONS, BOXES, THRESHOLD, st.randoms(use_true_random=False))
def test_order_of_the_true_boxes(detections, boxes, iou_threshold, random):
    """Are as many detections right in whatever order the true boxes come?"""
    order = list(range(len(boxes)))
    random.shuffle(order)
    table = box_overlaps(detections, boxes)
    table += torch.arange(table.numel()).view(table.shape) * 1e-9  # no two are equal
    matches, others = (
        match_overlaps(t, iou_threshold=iou_threshold) for t in (table, table[:, order])
    )
    assert [order[match] if match >= 0 else -1 for match in others.tolist()] == matches.tolist()


@given(PAIRS, THRESHOLD)
def test_curve(pairs, iou_threshold):
    """Is each point of the curve what one gets by keeping the scores of at least its threshold?"""
    curve = precision_recall(pairs, iou_threshold=iou_threshold)
    assert (curve.thresholds.diff() < 0).all() and (curve.recall.diff() >= 0).all()
    assert len(curve.thresholds) == len({score for score, _ in ranked_hits(pairs, iou_threshold)})
    true_boxes = sum(len(boxes) for _, boxes in pairs)
    for number, threshold in enumerate(curve.thresholds.tolist()):
        kept = [(detections.above(threshold), boxes) for detections, boxes in pairs]
        hits = [hit for _, hit in ranked_hits(kept, iou_threshold)]
        assert float(curve.recall[number]) == sum(hits) / true_boxes
        assert float(curve.precision[number]) == sum(hits) / len(hits)
        assert float(curve.false_positives_per_image[number]) == hits.count(False) / len(pairs)


@given(PAIRS, THRESHOLD, st.floats(0.01, 1))
def test_threshold_at_recall(pairs, iou_threshold, recall):
    """Is the threshold the highest that reaches the recall, and refused where none does?"""
    curve = precision_recall(pairs, iou_threshold=iou_threshold)
    points = zip(curve.thresholds.tolist(), curve.recall.tolist(), strict=True)
    reaching = [threshold for threshold, reached in points if reached >= recall]
    if reaching:
        assert threshold_at_recall(curve, recall) == max(reaching)
    else:
        with pytest.raises(ValueError, match="is never reached"):
            threshold_at_recall(curve, recall)


@given(PAIRS, THRESHOLD)
def test_average_precision(pairs, iou_threshold):
    """Is it COCO's mean over 101 recalls, the same on any rising scale of the scores?"""
    value = average_precision(pairs, iou_threshold=iou_threshold)
    true_boxes = sum(len(boxes) for _, boxes in pairs)
    hits = np.array([hit for _, hit in ranked_hits(pairs, iou_threshold)])
    found = hits.cumsum()
    points = [
        max((found[k] / (k + 1) for k in range(len(hits)) if found[k] / true_boxes >= r), default=0)
        for r in np.linspace(0, 1, 101)
    ]
    assert abs(value - np.mean(points)) < 1e-12
    other_scale = [(Detections(d.boxes, d.scores.exp() - 7), boxes) for d, boxes in pairs]
    assert average_precision(other_scale, iou_threshold=iou_threshold) == value


@given(PAIRS, BOX)
def test_false_positives_cost(pairs, box):
    """Is a perfect detector 1, and does a false positive ahead of all others never help?"""
    perfect = [(Detections(boxes, torch.ones(len(boxes))), boxes) for _, boxes in pairs]
    assert average_precision(perfect, iou_threshold=1.0) == 1
    wrong = Detections(torch.tensor([box]).float(), torch.tensor([2.0]))
    worse = [*pairs, (wrong, torch.empty(0, 4))]
    assert average_precision(worse) <= average_precision(pairs)


@given(DETECTIONS, st.floats(0, 1))
def test_suppression(detections, iou_threshold):
    """Are the kept apart, is each dropped one the duplicate of a better one, is once enough?"""
    kept = suppress(detections, iou_threshold=iou_threshold)
    assert torch.equal(kept.scores[:1], detections.scores[:1])
    among = box_overlaps(kept, kept.boxes)
    assert (among.fill_diagonal_(0) <= iou_threshold).all()
    again = suppress(kept, iou_threshold=iou_threshold)
    assert torch.equal(again.boxes, kept.boxes) and torch.equal(again.scores, kept.scores)
    if len(detections):
        covered = box_overlaps(detections, kept.boxes)
        better = detections.scores[:, None] <= kept.scores
        assert ((covered > iou_threshold) & better | (covered == 1)).any(1).all()


@given(DETECTIONS, st.floats(-0.125, 1.125, width=32))
def test_above(detections, threshold):
    """Are exactly the scores of at least the threshold left, in their order?"""
    left = detections.above(threshold)
    assert left.scores.tolist() == [s for s in detections.scores.tolist() if s >= threshold]
    assert len(left.boxes) == len(left)
