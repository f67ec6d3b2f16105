import contextlib
import io
import random

import numpy as np
import pytest
import torch
from machine_speed import quiet_seconds
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from course_utils.detection.boxes import Detections, match_boxes
from course_utils.detection.metrics import (
    THRESHOLDS,
    airbus_score,
    average_precision,
    false_positives_per_empty_image,
    mask_overlaps,
    precision_recall,
    threshold_at_recall,
)


def boxes(*starts):
    return torch.tensor([[start, 0, start + 10, 10] for start in starts]).reshape(-1, 4).float()


def found(scores_by_start):
    """Return detections from {start: score}."""
    return Detections(boxes(*scores_by_start), torch.tensor(list(scores_by_start.values())).float())


# By score: hit, false, hit, false (on an empty image); one of the three true boxes is missed.
HAND_MADE = [
    (found({0: 0.875, 50: 0.75, 20: 0.5}), boxes(0, 20)),
    (found({}), boxes(0)),
    (found({0: 0.25}), boxes()),
    (found({}), boxes()),
]


def test_curve_by_hand():
    """Has a small example the curve that one computes by hand?"""
    curve = precision_recall(HAND_MADE)
    assert curve.thresholds.tolist() == [0.875, 0.75, 0.5, 0.25]
    assert curve.recall.tolist() == [1 / 3, 1 / 3, 2 / 3, 2 / 3]
    assert curve.precision.tolist() == [1, 1 / 2, 2 / 3, 2 / 4]
    assert curve.false_positives_per_image.tolist() == [0, 1 / 4, 1 / 4, 2 / 4]


def test_average_precision_by_hand():
    """Is it 34 recalls to 1/3 at precision 1, then 33 to 2/3 at 2/3, then 0, over 101?"""
    assert average_precision(HAND_MADE) == pytest.approx((34 * 1 + 33 * 2 / 3) / 101)


def test_not_the_area_under_the_curve():
    """Is the average precision of one hit of two 51 / 101, and of all hits 1, of none 0?"""
    assert average_precision([(found({0: 0.5}), boxes(0, 50))]) == pytest.approx(51 / 101)
    assert average_precision([(found({0: 0.5, 50: 0.1}), boxes(0, 50))]) == pytest.approx(1)
    assert average_precision([(found({90: 0.5}), boxes(0, 50))]) == 0


def test_equal_scores_come_in_together():
    """Is a threshold one point, with all detections of its score, in whatever order?"""
    pairs = [(found({50: 0.5, 0: 0.5}), boxes(0)), (found({50: 0.5}), boxes())]
    curve, turned = precision_recall(pairs), precision_recall(pairs[::-1])
    assert curve.thresholds.tolist() == turned.thresholds.tolist() == [0.5]
    assert curve.precision.tolist() == turned.precision.tolist() == [pytest.approx(1 / 3)]
    assert curve.false_positives_per_image.tolist() == [1]


def test_no_detection():
    """Has a detector that finds nothing an empty curve, and average precision 0?"""
    pairs = [(found({}), boxes(0, 50)), (found({}), boxes())]
    curve = precision_recall(pairs)
    assert [len(values) for values in vars(curve).values()] == [0, 0, 0, 0]
    assert average_precision(pairs) == 0
    with pytest.raises(ValueError, match="recall 0.9 is never reached, 0.000 at the most"):
        threshold_at_recall(curve)


def test_threshold_at_recall():
    """Is the highest threshold taken that reaches the recall?"""
    curve = precision_recall(HAND_MADE)
    assert threshold_at_recall(curve, 0.3) == threshold_at_recall(curve, 1 / 3) == 0.875
    assert threshold_at_recall(curve, 0.34) == 0.5
    assert threshold_at_recall(curve, 2 / 3) == 0.5
    assert threshold_at_recall(precision_recall([(found({0: 0.5}), boxes(0))]), 1) == 0.5


def test_nine_of_ten_are_90_percent():
    """Is the default of 90 % reached by nine found boxes of ten, without a rounding error?"""
    for total in (10, 30, 70, 110, 1000):
        starts = range(0, 20 * total, 20)
        scores = {start: 1 - number / 2048 for number, start in enumerate(starts)}
        curve = precision_recall([(found(scores), boxes(*starts))])
        assert threshold_at_recall(curve) == 1 - (total * 9 // 10 - 1) / 2048


def test_false_positives_per_empty_image():
    """Are only the images without true boxes looked at, and all of them?"""
    assert false_positives_per_empty_image(HAND_MADE, 0.25) == 1 / 2
    assert false_positives_per_empty_image(HAND_MADE, 0.26) == 0


def random_pairs(seed, *, levels=None, images=12):
    """Return random images: crowded, empty, without detections; of whole pixels, so ties are exact.

    With `levels` the scores are that many different ones.
    """
    generator = torch.Generator().manual_seed(seed)

    def some(low, high, *shape):
        return torch.randint(low, high, shape, generator=generator)

    pairs = []
    for _ in range(images):
        starts = some(0, 40, int(some(0, 7)), 2)
        true = torch.cat([starts, starts + some(6, 20, len(starts), 2)], 1)
        near = true[torch.rand(len(true), generator=generator) < 0.8].repeat(2, 1)
        near = near + some(-1, 2, *near.shape)
        starts = some(0, 40, int(some(0, 4)), 2)
        other = torch.cat([starts, starts + some(6, 20, len(starts), 2)], 1)
        detected = torch.cat([near, other]).float()
        scores = torch.rand(len(detected), generator=generator)
        scores[: len(near)] += 0.3
        if levels:
            scores = (scores * levels).floor() / levels
        pairs.append((Detections(detected, scores), true.float()))
    return pairs


def coco_of(pairs, iou_threshold):
    """Evaluate by pycocotools, at one threshold; all areas, any number of detections."""

    def annotations(all_boxes, image, first, **more):
        sides = torch.cat([all_boxes[:, :2], all_boxes[:, 2:] - all_boxes[:, :2]], 1).tolist()
        common = {"image_id": image, "category_id": 1, "iscrowd": 0}
        return [
            {"id": first + n, "bbox": b, "area": b[2] * b[3], **common}
            | {key: values[n] for key, values in more.items()}
            for n, b in enumerate(sides)
        ]

    true, detected = [], []
    for image, (detections, all_boxes) in enumerate(pairs, 1):
        true += annotations(all_boxes, image, len(true) + 1)
        scores = detections.scores.tolist()
        detected += annotations(detections.boxes, image, len(detected) + 1, score=scores)
    with contextlib.redirect_stdout(io.StringIO()):
        sides = []
        for listed in (true, detected):
            side = COCO()
            images = [{"id": number} for number in range(1, len(pairs) + 1)]
            side.dataset = {"images": images, "annotations": listed, "categories": [{"id": 1}]}
            side.createIndex()
            sides.append(side)
        coco = COCOeval(*sides, iouType="bbox")
        coco.params.iouThrs = np.array([iou_threshold])
        coco.params.areaRng, coco.params.areaRngLbl = [[0, 1e10]], ["all"]
        coco.params.maxDets = [1000]
        coco.evaluate()
        coco.accumulate()
    return coco


COCO_CASES = [
    (seed, iou_threshold, levels)
    for seed in range(30)
    for iou_threshold in (0.5, 0.75)
    for levels in (0, 5)
]


@pytest.mark.parametrize(("seed", "iou_threshold", "levels"), COCO_CASES)
def test_against_pycocotools(seed, iou_threshold, levels):
    """Does COCO's own code give the same average precision, curve, thresholds and matches?"""
    pairs = random_pairs(seed, levels=levels)
    coco = coco_of(pairs, iou_threshold)
    precision, scores = (coco.eval[name][0, :, 0, 0, 0] for name in ("precision", "scores"))
    assert 0.05 < precision.mean() < 0.95
    assert average_precision(pairs, iou_threshold=iou_threshold) == pytest.approx(
        precision.mean(), abs=1e-12
    )
    curve = precision_recall(pairs, iou_threshold=iou_threshold)
    assert float(curve.recall[-1]) == coco.eval["recall"][0, 0, 0, 0]
    for recall, best, score in zip(coco.params.recThrs, precision, scores, strict=True):
        reached = curve.recall >= recall
        if not reached.any():
            assert best == 0
        elif recall > 0:
            assert threshold_at_recall(curve, recall) == score
            if not levels:  # COCO ranks equal scores one by one, the curve takes them together
                assert float(curve.precision[reached].max()) == pytest.approx(best, abs=1e-12)
    first = 1
    for (detections, true), image in zip(pairs, coco.evalImgs, strict=True):
        matched = match_boxes(detections, true, iou_threshold=iou_threshold)
        if image is not None:
            expected = [int(i) - first if i else -1 for i in image["dtMatches"][0]]
            assert matched.tolist() == expected
        first += len(true)


@pytest.mark.slow
def test_time():
    """Are 1,000 images with 20 detections each measured in seconds, not minutes?"""
    pairs = [
        (Detections(d.boxes.repeat(20, 1)[:20], d.scores.repeat(20)[:20]), true)
        for d, true in random_pairs(0, images=1000)
    ]

    def measure():
        threshold = threshold_at_recall(precision_recall(pairs), 0.5)
        false_positives_per_empty_image(pairs, threshold)
        average_precision(pairs)
        airbus_score(pairs)

    assert quiet_seconds(measure, rounds=1) < 10


def scored(detected, true):
    """Return a pair of boxes of 20 x 20 pixels, by their starts; the first is the best."""
    sides = [torch.tensor([[s, 0, s + 20, 20] for s in starts]) for starts in (detected, true)]
    detected, true = (side.reshape(-1, 4).float() for side in sides)
    return Detections(detected, torch.linspace(0.9, 0.5, len(detected))), true


def test_thresholds():
    """Are there the ten thresholds, .5 to .95, each the nearest number to its decimals?"""
    assert THRESHOLDS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


@pytest.mark.parametrize(
    ("detected", "true", "score"),
    [
        ((), (), 1.0),
        ((0,), (), 0.0),
        ((0, 40, 80), (), 0.0),
        ((), (0,), 0.0),
        ((0,), (0,), 1.0),
        ((0, 40), (0, 40), 1.0),
        ((0,), (0, 40), 5 / 9),  # one missed: 5 / (5 + 4)
        ((0, 40), (0,), 5 / 6),  # one false: 5 / (5 + 1)
        ((0, 0), (0,), 5 / 6),  # a duplicate is false
        ((4,), (0,), 0.4),  # overlap 16 / 24 = .667: a hit at .5, .55, .6, .65 and no more
        ((0, 44), (0, 40), (4 * 1 + 6 * 0.5) / 10),  # the second is a hit at four thresholds
    ],
)
def test_one_image(detected, true, score):
    """Has a small image the score that one computes by hand?"""
    assert airbus_score([scored(detected, true)]) == pytest.approx(score)


def test_mean_over_images():
    """Is it the mean over images, each with the same weight however many ships it has?"""
    pairs = [scored((0,), (0,)), scored((), (0, 40, 80)), scored((), ())]
    assert airbus_score(iter(pairs)) == pytest.approx(2 / 3)


def test_strictly_above():
    """Is an overlap of exactly .5 no match, as the challenge asks for more, and .75 none at .75?"""
    for overlap, score in ((0.5, 0.0), (0.75, 0.5), (1.0, 1.0)):
        table = torch.tensor([[overlap]], dtype=torch.float64)
        assert airbus_score([(1, 1)], overlap=lambda *_: table) == pytest.approx(score)  # noqa: B023


def masks(*columns):
    """Return 4 x 10 masks that fill these columns."""
    made = torch.zeros(len(columns), 4, 10, dtype=torch.bool)
    for mask, (start, end) in zip(made, columns, strict=True):
        mask[:, start:end] = True
    return made


def test_masks():
    """Are masks scored as the challenge does, and are their overlaps those of their pixels?"""
    detected, true = masks((0, 4), (6, 10)), masks((0, 5), (5, 6))
    assert mask_overlaps(detected, true).tolist() == [[0.8, 0.0], [0.0, 0.0]]
    # .8 is a hit at .5 to .75, six thresholds, each 5 / (5 + 4 + 1)
    assert airbus_score([(detected, true)], overlap=mask_overlaps) == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("dtype", "white"),
    [(torch.uint8, 1), (torch.uint8, 255), (torch.int32, 255), (torch.int64, 65535)],
)
def test_masks_of_numbers(dtype, white):
    """Are masks of 0 and 255, as images have them, the masks that bools are?"""
    detected, true = masks((0, 4), (6, 10)), masks((0, 5), (5, 6))
    wanted = mask_overlaps(detected, true)
    painted = [pixels.to(dtype) * white for pixels in (detected, true)]
    assert torch.equal(mask_overlaps(*painted), wanted)
    assert torch.equal(mask_overlaps(painted[0], true), wanted)


def test_masks_of_floats():
    """Are floats of 0 and 1 masks as bools are?"""
    detected, true = masks((0, 4)), masks((0, 5))
    assert mask_overlaps(detected.float(), true.half()).tolist() == [[0.8]]


def test_empty_masks():
    """Are no masks, and masks without a pixel, scored without dividing by zero?"""
    assert mask_overlaps(masks(), masks((0, 1))).shape == (0, 1)
    assert mask_overlaps(masks((3, 3)), masks((2, 2))).tolist() == [[0]]
    pixel = torch.ones(1, 1, 1, dtype=torch.bool)
    assert mask_overlaps(pixel, pixel).tolist() == [[1]]
    assert airbus_score([(masks(), masks())], overlap=mask_overlaps) == 1
    assert airbus_score([(masks((0, 3)), masks())], overlap=mask_overlaps) == 0


def slow_score(images):
    """Score in plain Python, from sets of pixels; each image: (detected sets, true sets)."""
    total = 0.0
    for detected, true in images:
        if not detected and not true:
            total += 1
            continue
        for percent in range(50, 100, 5):
            free, hits = list(range(len(true))), 0
            for pixels in detected:
                # compared in whole numbers: intersection / union > percent / 100
                enough = [
                    (len(pixels & true[index]) / len(pixels | true[index]), index)
                    for index in free
                    if 100 * len(pixels & true[index]) > percent * len(pixels | true[index])
                ]
                if enough:
                    free.remove(max(enough)[1])
                    hits += 1
            missed, false = len(free), len(detected) - hits
            total += 5 * hits / (5 * hits + 4 * missed + false) / 10
    return total / len(images)


def random_image(chance):
    """Return (detected, true) boxes of whole numbers on 16 x 16 pixels, many of them similar."""

    def box():
        left, top = chance.randrange(10), chance.randrange(10)
        return [left, top, left + chance.randint(3, 6), top + chance.randint(3, 6)]

    true = [box() for _ in range(chance.choice([0, 0, 1, 2, 4]))]
    near = [[side + (chance.random() < 0.2) for side in other] for other in true]
    detected = [other for other in near if chance.random() < 0.8]
    detected += [box() for _ in range(chance.choice([0, 0, 1, 2]))]
    chance.shuffle(detected)
    return detected, true


def pixels_of(box):
    return {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}


@pytest.mark.parametrize("seed", range(60))
def test_against_plain_python(seed):
    """Do boxes and masks score as a slow scorer counts by pixels, empty images among them?"""
    chance = random.Random(seed)
    images = [random_image(chance) for _ in range(12)]
    expected = slow_score([tuple([pixels_of(b) for b in side] for side in i) for i in images])
    pairs = []
    for detected, true in images:
        scores = torch.linspace(1, 0, len(detected))
        both = [torch.tensor(side, dtype=torch.float32).reshape(-1, 4) for side in (detected, true)]
        pairs.append((Detections(both[0], scores), both[1]))
    assert 0.05 < expected < 0.95
    assert airbus_score(pairs) == pytest.approx(expected, abs=1e-12)
    painted = [(_painted(detections.boxes), _painted(true)) for detections, true in pairs]
    assert airbus_score(painted, overlap=mask_overlaps) == pytest.approx(expected, abs=1e-12)


def _painted(all_boxes):
    made = torch.zeros(len(all_boxes), 20, 20, dtype=torch.bool)
    for mask, (left, top, right, bottom) in zip(made, all_boxes.int().tolist(), strict=True):
        mask[top:bottom, left:right] = True
    return made
