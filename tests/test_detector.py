import pytest
import torch

from course_utils.centre_maps import boxes_to_maps
from course_utils.detection_loss import DetectionLoss
from course_utils.detector import ShipDetector, detect
from course_utils.device import set_seed
from course_utils.scene import Scene
from course_utils.scene_generator import SimulatedScenes


@pytest.mark.parametrize("height, width", [(64, 64), (96, 128)])
def test_fully_convolutional(height, width):
    """Does the net take images of any size that 4 divides, and give maps of a quarter of it?"""
    images = torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8)
    assert ShipDetector()(images).shape == (2, 5, height // 4, width // 4)


def test_calm_start():
    """Does the untrained net take almost no cell for a ship, and make boxes of 16 pixels?"""
    set_seed(0)
    maps = ShipDetector()(torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)).detach()
    assert maps[:, 0].sigmoid().mean() == pytest.approx(0.01, abs=0.01)
    assert maps[:, 1].exp().mean() * 4 == pytest.approx(16, rel=0.2)


def test_learns_one_batch():
    """Does the detector learn a few scenes by heart, so that their ships are found first?"""
    set_seed(0)
    scenes = [*SimulatedScenes(8, ships=True, seed=1, size=64)]
    most = max(len(scene.boxes) for scene in scenes)
    boxes = torch.full((8, most, 4), torch.nan)
    for row, scene in zip(boxes, scenes, strict=True):
        row[: len(scene.boxes)] = scene.boxes
    images, goal = torch.stack([s.image for s in scenes]), boxes_to_maps(boxes, 64, 64)
    model, loss = ShipDetector(width=16), DetectionLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(120):
        optimizer.zero_grad()
        value = loss(model(images), goal)
        value.backward()
        optimizer.step()
    model.train()  # statistics of this very batch
    for scene, found in detect(model, scenes):
        centres = (found.boxes[: len(scene.boxes), :2] + found.boxes[: len(scene.boxes), 2:]) / 2
        truth = (scene.boxes[:, :2] + scene.boxes[:, 2:]) / 2
        assert torch.cdist(truth, centres).min(1).values.max() < 6
    assert model.training


def test_stream():
    """Is a stream read batch by batch, in order, and never further than needed?"""
    read = []

    def stream():
        for scene in SimulatedScenes(10, ships=False, size=64):
            read.append(scene.name)
            yield scene

    results = detect(ShipDetector(width=8), stream(), batch_size=4)
    first, _ = next(results)
    assert first.name == read[0] and len(read) == 4
    assert [scene.name for scene, _ in results] == read[1:]
    assert len(read) == 10


def test_mixed_sizes():
    """Do scenes of two sizes raise a sentence that names them?"""
    scenes = [
        Scene(str(n), torch.zeros(3, n, n, dtype=torch.uint8), torch.empty(0, 4)) for n in (64, 96)
    ]
    with pytest.raises(ValueError, match=r"\(3, 64, 64\), \(3, 96, 96\)"):
        list(detect(ShipDetector(width=8), scenes))
    assert len(list(detect(ShipDetector(width=8), scenes, batch_size=1))) == 2
