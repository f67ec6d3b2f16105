import pytest
import torch
import torch.nn.functional as F

from course_utils.centre_maps import boxes_to_maps
from course_utils.detection_loss import (
    FOCAL_WEIGHT,
    HARD_SHARE,
    DetectionLoss,
    cross_entropy,
    focal,
    hard_examples,
)

KINDS = ("cross-entropy", "focal", "hard examples")


def targets(count=2):
    boxes = torch.full((count, 2, 4), torch.nan)
    boxes[0, 0] = torch.tensor([8.0, 8, 24, 20])
    return boxes_to_maps(boxes, 64, 64)


@pytest.mark.parametrize("kind", KINDS)
def test_better_is_lower(kind):
    """Is the loss lower for maps nearer to the targets, in heat and in boxes?"""
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
    heat, centre = torch.tensor([[[1.0, 0.3]]]), torch.tensor([[[1.0, 0.0]]])
    plain = -(heat * p.log() + (1 - heat) * (1 - p).log()).sum()
    assert cross_entropy(logits, heat, centre) == pytest.approx(float(plain), rel=1e-5)
    a = -((1 - p[..., 0]) ** 2 * p[..., 0].log())
    b = -((1 - 0.3) ** 4 * p[..., 1] ** 2 * (1 - p[..., 1]).log())
    assert focal(logits, heat, centre) == pytest.approx(FOCAL_WEIGHT * float(a + b), rel=1e-5)


def test_hard_examples_are_the_hardest():
    """Do only the hardest cells away from ships count, and all cells on ships?"""
    logits = torch.full((1, 10, 10), -1.0)
    heat = torch.zeros(1, 10, 10)
    logits[0, 0, :7] = 2.0
    hard, easy = (float(F.softplus(torch.tensor(value))) for value in (2.0, -1.0))
    kept = round(100 * HARD_SHARE)
    loss = hard_examples(logits, heat, heat)
    assert kept > 7 and loss == pytest.approx(7 * hard + (kept - 7) * easy, rel=1e-5)
    heat[0, 9, 9] = 1.0  # one of 99 others less is still the same tenth, rounded
    assert hard_examples(logits, heat, heat) - loss == pytest.approx(1 + easy, rel=1e-5)


def test_unknown_kind():
    """Does an unknown kind raise a sentence with the known ones?"""
    with pytest.raises(ValueError, match="heat is 'mse'.*'focal'"):
        DetectionLoss("mse")
