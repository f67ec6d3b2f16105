"""Bad inputs of detection: boxes, maps, detectors, scenes and their batches."""

import math
from unittest.mock import patch

import torch
from torch import nn

from course_utils.detection.boxes import Detections, match_boxes, suppress
from course_utils.detection.centernet import DetectionLoss, boxes_to_maps, maps_to_detections
from course_utils.detection.models import FpnDetector, ShipDetector, detect
from course_utils.detection.scenes import Scene
from course_utils.detection.tiles import CropLoader, CropPool, check_box_sizes

IMAGE, NO_BOXES = torch.zeros(3, 64, 64, dtype=torch.uint8), torch.empty(0, 4)
BOX = torch.tensor([[0.0, 0.0, 8.0, 8.0]])
FOUND = Detections(BOX, torch.tensor([0.9]))


def scene(image=IMAGE, boxes=NO_BOXES):
    return Scene("scene", image, boxes)


def boxes(*rows):
    return torch.tensor(rows)


def detections(boxes=BOX, scores=(0.9,)):
    return lambda make: make(boxes, torch.tensor(scores) if isinstance(scores, tuple) else scores)


def maps(**settings):
    return lambda decode: decode(torch.zeros(1, 5, 4, 4), **settings)


def run(scenes=None, *, model=None, **settings):
    """Return a call of `detect` that asks for all it yields."""

    def call(detect):
        net = ShipDetector(width=4) if model is None else model
        list(detect(net, [scene()] if scenes is None else scenes, **settings))

    return call


class NotANumber(nn.Module):
    """A detector whose training has diverged."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))

    def forward(self, images):
        return torch.full((len(images), 5, 16, 16), math.nan)


def offline(make):
    with (
        patch("torch.hub.load_state_dict_from_url", side_effect=OSError("no route")),
        patch("torchvision.models._api.load_state_dict_from_url", side_effect=OSError("no route")),
    ):
        make(pretrained=True)


ROWS = {
    "boxes as a list": (
        Detections, detections([[0, 0, 8, 8]]), TypeError, "The boxes are list", "tensor of floats",
    ),
    "boxes as integers": (
        Detections, detections(BOX.long()), TypeError, "int64", "tensor of floats",
    ),
    "boxes with five numbers": (
        Detections, detections(torch.zeros(1, 5)), ValueError, "(1, 5)", "(n, 4)",
    ),
    "box turned round": (
        Detections, detections(boxes((8.12345, 0.0, 0.0, 8.0))),
        ValueError, "[8.123, 0.0, 0.0, 8.0]", "x0",
    ),
    "box NaN": (
        Detections, detections(boxes((0.0, 0.0, math.nan, 8.0))), ValueError, "nan", "finite",
    ),
    "two scores for a box": (
        Detections, detections(scores=(0.9, 0.1)), ValueError, "(2,)", "1 box",
    ),
    "scores as integers": (
        Detections, detections(scores=(1,)), TypeError, "The scores are torch.int64",
    ),
    "score NaN": (
        Detections, detections(BOX.repeat(3, 1), (0.9, math.nan, 0.1)),
        ValueError, "number 1 is nan", "finite",
    ),
    "threshold as a text": (
        Detections.above, lambda above: above(FOUND, "0.5"), ValueError, "threshold is '0.5'",
    ),
    "threshold NaN": (
        Detections.above, lambda above: above(FOUND, math.nan), ValueError, "threshold is nan",
    ),
    "overlap of duplicates above 1": (
        suppress, lambda suppress: suppress(FOUND, iou_threshold=1.5),
        ValueError, "iou_threshold is 1.5", "at most 1",
    ),
    "overlap of duplicates below 0": (
        suppress, lambda suppress: suppress(FOUND, iou_threshold=-0.1),
        ValueError, "iou_threshold is -0.1", "at least 0",
    ),
    "detections as a tensor": (
        match_boxes, lambda match: match(BOX, BOX), TypeError, "Tensor and Tensor", "Detections",
    ),
    "true boxes of five numbers": (
        match_boxes, lambda match: match(FOUND, torch.zeros(1, 5)), ValueError, "(1, 5)",
    ),
    "true boxes None": (
        match_boxes, lambda match: match(FOUND, None), TypeError, "NoneType", "tensor",
    ),
    "true boxes flat": (
        match_boxes, lambda match: match(FOUND, BOX[0]), ValueError, "(4,)", "(n, 4)",
    ),
    "true box without area": (
        match_boxes, lambda match: match(FOUND, boxes((1.0, 1.0, 1.0, 5.0))), ValueError, "row 0",
    ),
    "overlap of a match of 0": (
        match_boxes, lambda match: match(FOUND, BOX, iou_threshold=0),
        ValueError, "iou_threshold is 0", "above 0",
    ),
    "overlap of a match as a percentage": (
        match_boxes, lambda match: match(FOUND, BOX, iou_threshold=50),
        ValueError, "iou_threshold is 50", "at most 1",
    ),
    "overlap of a match NaN": (
        match_boxes, lambda match: match(FOUND, BOX, iou_threshold=math.nan),
        ValueError, "iou_threshold is nan", "finite",
    ),
    "boxes to map without batch": (
        boxes_to_maps, lambda maps: maps(BOX, 64, 64), ValueError, "(1, 4)", "(n, b, 4)",
    ),
    "height of maps no multiple of 4": (
        boxes_to_maps, lambda maps: maps(BOX[None], 62, 64), ValueError, "64 x 62", "of 4",
    ),
    "width of maps 0": (
        boxes_to_maps, lambda maps: maps(BOX[None], 64, 0), ValueError, "width is 0", "at least 4",
    ),
    "maps of four channels": (
        maps_to_detections, lambda decode: decode(torch.zeros(1, 4, 4, 4)),
        ValueError, "(1, 4, 4, 4)",
    ),
    "heatmap NaN": (
        maps_to_detections, lambda decode: decode(torch.full((1, 5, 4, 4), math.nan)),
        ValueError, "NaN", "diverged",
    ),
    "no detections at the most": (
        maps_to_detections, maps(max_detections=0), ValueError, "max_detections is 0", "at least 1",
    ),
    "least score above 1": (
        maps_to_detections, maps(score_threshold=2),
        ValueError, "score_threshold is 2", "at most 1",
    ),
    "overlap of peaks below 0": (
        maps_to_detections, maps(iou_threshold=-1), ValueError, "iou_threshold is -1",
    ),
    "unknown loss of the heatmap": (
        DetectionLoss, lambda loss: loss("dice"), ValueError, "heatmap_loss is 'dice'", "focal",
    ),
    "maps for the loss without boxes": (
        DetectionLoss.__call__, lambda call: call(DetectionLoss(), *[torch.zeros(1, 1, 4, 4)] * 2),
        ValueError, "(1, 1, 4, 4)", "(n, 5, h, w)",
    ),
    "detector of width 0": (ShipDetector, lambda net: net(width=0), ValueError, "width is 0"),
    "detector of width 1.5": (ShipDetector, lambda net: net(width=1.5), ValueError, "width is 1.5"),
    "no centre at all": (
        ShipDetector, lambda net: net(prior=0), ValueError, "prior is 0", "above 0",
    ),
    "unknown depth": (FpnDetector, lambda net: net(depth=50), ValueError, "depth is 50", "18, 34"),
    "weights without a network": (FpnDetector, offline, FileNotFoundError, "no route", "False"),
    "pyramid of width 0": (FpnDetector, lambda net: net(width=0), ValueError, "width is 0"),
    "image of 62 pixels": (
        FpnDetector.forward, lambda run: run(FpnDetector(width=4), torch.zeros(1, 3, 62, 64)),
        ValueError, "64 x 62", "multiples of 4",
    ),
    "batches of no scene": (detect, run(batch_size=0), ValueError, "batch_size is 0", "at least 1"),
    "batches of half a scene": (detect, run(batch_size=0.5), ValueError, "batch_size is 0.5"),
    "ships below a cell": (
        check_box_sizes, lambda check: check(BOX / 4), ValueError, "2",
    ),
    "no ship to look at": (
        check_box_sizes, lambda check: check(NO_BOXES), ValueError, "no ship", "hold one",
    ),
    "crops of no image": (
        CropLoader, lambda make: make(CropPool([], []), size=64, steps=1),
        ValueError, "no images", "give images with ships",
    ),
    "scenes of two sizes": (
        detect, run([scene(), scene(IMAGE[:, :32])]), ValueError, "(3, 32, 64)", "batch_size=1",
    ),
    "images for scenes": (detect, run([IMAGE]), TypeError, "scene is of type Tensor", "Scene"),
    "detector as a text": (detect, run(model="net"), TypeError, "model is 'net'", "Module"),
    "detector that has diverged": (detect, run(model=NotANumber()), ValueError, "NaN", "diverged"),
    "decoder that gives too few": (
        detect, run([scene()] * 3, decode=lambda maps: [FOUND]),
        ValueError, "1 detections", "3 scenes",
    ),
}  # fmt: skip
