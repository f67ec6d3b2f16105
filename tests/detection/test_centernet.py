import pytest
import torch
import torch.nn.functional as F

from course_utils.detection.centernet import (
    FOCAL_WEIGHT,
    HARD_FRACTION,
    STRIDE,
    DetectionLoss,
    boxes_to_maps,
    cross_entropy,
    focal,
    hard_examples,
    maps_to_detections,
)


def as_outputs(maps):
    """Turn target maps into what a perfect detector puts out."""
    heatmap = torch.where(maps[:, 5:6] == 1, 8.0, -8.0)
    return torch.cat([heatmap, maps[:, 1:5]], 1)


def random_boxes(generator, count=3):
    corners = torch.randint(0, 22, (count, 2), generator=generator) * STRIDE
    corners = corners + torch.rand(count, 2, generator=generator)
    sizes = 3 + 8 * torch.rand(count, 2, generator=generator)
    return torch.cat([corners, corners + sizes], 1)


@pytest.mark.parametrize("seed", range(20))
def test_round_trip(seed):
    """Does a perfect detector's output decode to the boxes that the maps were made of?"""
    generator = torch.Generator().manual_seed(seed)
    boxes = random_boxes(generator)
    cells = ((boxes[:, :2] + boxes[:, 2:]) / 2 / STRIDE).floor()
    apart = torch.cdist(cells, cells) + 99 * torch.eye(len(cells))
    if apart.min() < 3:  # peaks that touch cannot both be peaks
        boxes = boxes[:1]
    (found,) = maps_to_detections(as_outputs(boxes_to_maps(boxes[None], 96, 96)))
    assert len(found) == len(boxes)
    order = torch.cdist(found.boxes, boxes).argmin(1)
    assert sorted(order.tolist()) == list(range(len(boxes)))
    assert torch.allclose(found.boxes, boxes[order], atol=1e-3)


def test_maps():
    """Is the heatmap 1 at the centre's cell alone, and do its neighbours learn the same box?"""
    maps = boxes_to_maps(torch.tensor([[[8.0, 16, 24, 22], [torch.nan] * 4]]), 64, 96)
    assert maps.shape == (1, 7, 16, 24)
    assert (maps[0, 0] == 1).nonzero().tolist() == [[4, 4]] == (maps[0, 5] == 1).nonzero().tolist()
    assert maps[0, 6].sum() == 9 and maps[0, 0, 4, 5] < 1
    assert torch.allclose(maps[0, 1, 3:6, 3:6].exp(), torch.tensor(4.0))
    assert torch.allclose(maps[0, 2, 3:6, 3:6].exp(), torch.tensor(1.5))
    assert maps[0, 3:5, 4, 4].tolist() == [0, 0.75] and maps[0, 3:5, 3, 5].tolist() == [-1, 1.75]


def test_no_boxes():
    """Are the maps of scenes without ships all zero, with lists of no length and of NaN alike?"""
    assert boxes_to_maps(torch.empty(2, 0, 4), 32, 32).abs().sum() == 0
    assert boxes_to_maps(torch.full((2, 3, 4), torch.nan), 32, 32).abs().sum() == 0


def test_at_the_border():
    """Does a box at the image's edge stay inside the maps?"""
    maps = boxes_to_maps(torch.tensor([[[60.0, 60, 64, 64], [0.0, 0, 4, 4]]]), 64, 64)
    assert maps[0, 5].nonzero().tolist() == [[0, 0], [15, 15]]


def test_duplicates_and_order():
    """Are duplicates of a box suppressed, scores falling, and weak peaks left out?"""
    maps = torch.full((1, 5, 16, 16), -9.0)
    maps[0, 1:3], maps[0, 3:5] = 1.5, 0.5
    maps[0, 0, 4, 4], maps[0, 0, 4, 6], maps[0, 0, 12, 12] = 2.0, 1.0, 3.0
    (found,) = maps_to_detections(maps, iou_threshold=0.3)
    assert found.scores.tolist() == pytest.approx([0.9526, 0.8808], abs=1e-3)
    (found,) = maps_to_detections(maps, iou_threshold=0.9, max_detections=2)
    assert len(found) == 2
    assert len(maps_to_detections(maps, score_threshold=0.96)[0]) == 0


KINDS = ("cross-entropy", "focal", "hard examples")


def targets(count=2):
    boxes = torch.full((count, 2, 4), torch.nan)
    boxes[0, 0] = torch.tensor([8.0, 8, 24, 20])
    return boxes_to_maps(boxes, 64, 64)


@pytest.mark.parametrize("kind", KINDS)
def test_better_is_lower(kind):
    """Is the loss lower for maps nearer to the targets, in heatmap and boxes?"""
    goal = targets()
    good = torch.cat([torch.logit(goal[:, :1].clamp(1e-3, 1 - 1e-3)), goal[:, 1:5]], 1)
    loss = DetectionLoss(kind)
    assert loss(good, goal) < loss(good * torch.tensor([0.1, 1, 1, 1, 1]).view(5, 1, 1), goal)
    assert loss(good, goal) < loss(good + torch.tensor([0, 1.0, 0, 0, 0]).view(5, 1, 1), goal)


@pytest.mark.parametrize("kind", KINDS)
def test_all_negative_batch(kind):
    """Is a batch without any ship finite, and no dearer an image than with empty scenes added?"""
    maps = torch.full((4, 5, 16, 16), -3.0)
    loss = DetectionLoss(kind)
    four = loss(maps, targets(4) * 0)
    assert four.isfinite() and four == pytest.approx(
        float(loss(maps[:2], targets(2) * 0)), rel=1e-5
    )


def test_formulas():
    """Do the sums agree with the formulas, written out for single cells?"""
    logits, p = torch.tensor([[[0.4, -1.2]]]), torch.tensor([[[0.4, -1.2]]]).sigmoid()
    heatmap, centre = torch.tensor([[[1.0, 0.3]]]), torch.tensor([[[1.0, 0.0]]])
    plain = -(heatmap * p.log() + (1 - heatmap) * (1 - p).log()).sum()
    assert cross_entropy(logits, heatmap, centre) == pytest.approx(float(plain), rel=1e-5)
    a = -((1 - p[..., 0]) ** 2 * p[..., 0].log())
    b = -((1 - 0.3) ** 4 * p[..., 1] ** 2 * (1 - p[..., 1]).log())
    assert focal(logits, heatmap, centre) == pytest.approx(FOCAL_WEIGHT * float(a + b), rel=1e-5)


def test_hard_examples_are_the_hardest():
    """Do only the hardest cells away from ships count, and all cells on ships?"""
    logits = torch.full((1, 10, 10), -1.0)
    heatmap = torch.zeros(1, 10, 10)
    logits[0, 0, :7] = 2.0
    hard, easy = (float(F.softplus(torch.tensor(value))) for value in (2.0, -1.0))
    kept = round(100 * HARD_FRACTION)
    loss = hard_examples(logits, heatmap, heatmap)
    assert kept > 7 and loss == pytest.approx(7 * hard + (kept - 7) * easy, rel=1e-5)
    heatmap[0, 9, 9] = 1.0  # one of 99 others less is still the same tenth, rounded
    assert hard_examples(logits, heatmap, heatmap) - loss == pytest.approx(1 + easy, rel=1e-5)
