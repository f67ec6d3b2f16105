import pytest
import torch

from course_utils.centre_maps import STRIDE, boxes_to_maps, maps_to_detections


def as_outputs(maps):
    """Turn target maps into what a perfect detector puts out."""
    heat = torch.where(maps[:, 5:6] == 1, 8.0, -8.0)
    return torch.cat([heat, maps[:, 1:5]], 1)


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
    """Is the heat 1 at the centre's cell alone, and do its neighbours learn the same box?"""
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


def test_doubles_and_order():
    """Are doubles of a box suppressed, scores falling, and weak peaks left out?"""
    maps = torch.full((1, 5, 16, 16), -9.0)
    maps[0, 1:3], maps[0, 3:5] = 1.5, 0.5
    maps[0, 0, 4, 4], maps[0, 0, 4, 6], maps[0, 0, 12, 12] = 2.0, 1.0, 3.0
    (found,) = maps_to_detections(maps, iou=0.3)
    assert found.scores.tolist() == pytest.approx([0.9526, 0.8808], abs=1e-3)
    (found,) = maps_to_detections(maps, iou=0.9, most=2)
    assert len(found) == 2
    assert len(maps_to_detections(maps, least_score=0.96)[0]) == 0
