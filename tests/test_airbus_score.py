import random

import pytest
import torch

from course_utils.airbus_score import THRESHOLDS, airbus_score, image_score, mask_overlaps
from course_utils.detections import Detections


def boxes(*starts):
    return torch.tensor([[start, 0, start + 20, 20] for start in starts]).reshape(-1, 4).float()


def found(*starts):
    return Detections(boxes(*starts), torch.linspace(0.9, 0.5, len(starts)))


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
        ((0, 0), (0,), 5 / 6),  # a double is false
        ((4,), (0,), 0.4),  # overlap 16 / 24 = .667: a hit at .5, .55, .6, .65 and no more
        ((0, 44), (0, 40), (4 * 1 + 6 * 0.5) / 10),  # the second is a hit at four thresholds
    ],
)
def test_one_image(detected, true, score):
    """Has a small image the score that one computes by hand?"""
    assert airbus_score([(found(*detected), boxes(*true))]) == pytest.approx(score)


def test_mean_over_images():
    """Is it the mean over images, each with the same weight however many ships it has?"""
    pairs = [(found(0), boxes(0)), (found(), boxes(0, 40, 80)), (found(), boxes())]
    assert airbus_score(iter(pairs)) == pytest.approx(2 / 3)


def test_strictly_above():
    """Is an overlap of exactly .5 no match, as the challenge asks for more, and .75 none at .75?"""
    assert image_score(torch.tensor([[0.5]], dtype=torch.float64)) == 0
    assert image_score(torch.tensor([[0.75]], dtype=torch.float64)) == pytest.approx(0.5)
    assert image_score(torch.tensor([[1.0]])) == 1


def test_no_image():
    """Does scoring no image raise a sentence?"""
    with pytest.raises(ValueError, match="no image to score"):
        airbus_score([])


def test_bad_overlaps():
    """Do overlaps that are no table raise a sentence?"""
    with pytest.raises(ValueError, match=r"\(3,\).*two dimensions"):
        image_score(torch.zeros(3))


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


def test_empty_masks():
    """Are no masks, and masks without a pixel, scored without dividing by zero?"""
    assert mask_overlaps(masks(), masks((0, 1))).shape == (0, 1)
    assert mask_overlaps(masks((3, 3)), masks((2, 2))).tolist() == [[0]]
    assert airbus_score([(masks(), masks())], overlap=mask_overlaps) == 1
    assert airbus_score([(masks((0, 3)), masks())], overlap=mask_overlaps) == 0


@pytest.mark.parametrize("shape", [(4, 10), (1, 4, 9)])
def test_masks_of_other_shapes(shape):
    """Do masks that do not fit raise a sentence with both shapes?"""
    with pytest.raises(ValueError, match=r"\(1, 4, 10\) and \(.*need"):
        mask_overlaps(masks((0, 1)), torch.zeros(shape, dtype=torch.bool))


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
