"""Core functions of `course_utils` around masks, boxes and scenes, each as a task of any size.

A task is a function of the size that prepares the input and returns what is timed. It runs in an
empty working directory.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from benchmarks.oriented_boxes import mask_to_oriented_box
from benchmarks.scale_training import Task
from course_utils.data.splits import split_by_group
from course_utils.detection.airbus import AirbusFolder, decode_rle, encode_rle
from course_utils.detection.boxes import Detections, match_boxes, suppress
from course_utils.detection.centernet import boxes_to_maps, maps_to_detections
from course_utils.detection.metrics import airbus_score, average_precision, precision_recall
from course_utils.detection.mining import HardNegative, Ranking
from course_utils.detection.scenes import pack
from course_utils.detection.synthetic import SimulatedScenes


def on_mask(function) -> Task:
    def prepare(size: int):
        side = round(size**0.5)
        y, x = np.mgrid[:side, :side] / side - 0.5
        mask = (abs(x + y) < 0.3) & (abs(x - y) < 0.1)  # a ship that lies aslant
        return lambda: function(mask)

    return prepare


def on_pairs(function) -> Task:
    """Detections and true boxes of so many images, five a side."""

    def prepare(size: int):
        pairs = [(_detections(5, image), _boxes(5, image)) for image in range(size)]
        return lambda: function(pairs)

    return prepare


def decode(size: int):
    side = round(size**0.5)
    code = encode_rle(np.random.default_rng(0).random((side, side)) < 0.1)
    return lambda: decode_rle(code, (side, side))


def match(size: int):
    """Match a table of so many overlaps: a crowded image."""
    side = round(size**0.5)
    detections, boxes = _detections(side, 0), _boxes(side, 1)
    return lambda: match_boxes(detections, boxes)


def non_maximum(size: int):
    detections = _detections(size, 0)
    return lambda: suppress(detections)


def maps_of_boxes(size: int):
    boxes = torch.stack([_boxes(5, image) for image in range(size)])
    return lambda: boxes_to_maps(boxes, 96, 96)


def boxes_of_maps(size: int):
    maps = torch.randn(size, 5, 24, 24)
    return lambda: maps_to_detections(maps)


def paint(size: int):
    scenes = SimulatedScenes(size, ships=True, size=64)
    return lambda: [scenes[index] for index in range(size)]


def pack_scenes(size: int):
    scene = SimulatedScenes(1, ships=True, size=64)[0]
    return lambda: pack([scene] * size)


def split(size: int):
    names = [f"port{number % (size // 10)}_{number}" for number in range(size)]
    return lambda: split_by_group(names, lambda name: name.partition("_")[0], 0.2, 0)


def rank(size: int):
    """Rank so many finds, in batches of 64, of which 500 are kept."""
    looks, scores = 255 * torch.rand(size, 192), torch.rand(size, 1)
    box = torch.tensor([[0.0, 0.0, 9.0, 9.0]])
    items = [HardNegative(i, "", Detections(box, scores[i]), looks[i]) for i in range(size)]

    def run():
        ranking = Ranking(500)
        for start in range(0, size, 64):
            ranking.add(items[start : start + 64])

    return run


def airbus_table(size: int):
    """Index a table of so many ships, ten an image."""
    images = Path("train_v2")
    images.mkdir()
    rows = ["ImageId,EncodedPixels"]
    for number in range(size):
        image, ship = divmod(number, 10)
        rows.append(f"{image:06}.jpg,{1 + 50 * ship} 5 {801 + 50 * ship} 5")
        (images / f"{image:06}.jpg").touch()
    Path("train_ship_segmentations_v2.csv").write_text("\n".join(rows))
    return lambda: AirbusFolder(".")


def _boxes(size: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    corners = 96 * size**0.5 * torch.rand(size, 2, generator=generator)  # as crowded at each size
    return torch.cat([corners, corners + 10 + 20 * torch.rand(size, 2, generator=generator)], 1)


def _detections(size: int, seed: int) -> Detections:
    scores = torch.rand(size, generator=torch.Generator().manual_seed(seed))
    return Detections(_boxes(size, seed) + 1, scores)


PIXELS = (1000, 10_000, 100_000, 1_000_000)
MANY = (100, 1000, 10_000, 100_000)
FEW = (10, 100, 1000, 10_000)

# name -> (task, what the size counts, sizes)
TASKS = {
    "encode_rle": (on_mask(encode_rle), "pixels", PIXELS),
    "decode_rle": (decode, "pixels", PIXELS),
    "mask_to_oriented_box": (on_mask(mask_to_oriented_box), "pixels", PIXELS),
    "match_boxes": (match, "pairs in an image", PIXELS),
    "suppress": (non_maximum, "boxes in an image", FEW),
    "average_precision": (on_pairs(average_precision), "images", FEW),
    "precision_recall": (on_pairs(precision_recall), "images", FEW),
    "airbus_score": (on_pairs(airbus_score), "images", (3, 30, 300, 3000)),
    "boxes_to_maps": (maps_of_boxes, "images", FEW),
    "maps_to_detections": (boxes_of_maps, "images", (3, 30, 300, 3000)),
    "SimulatedScenes": (paint, "scenes", (1, 10, 100, 1000)),
    "pack": (pack_scenes, "scenes", FEW),
    "split_by_group": (split, "names", MANY),
    "Ranking.add": (rank, "finds", (30, 300, 3000, 30_000)),
    "AirbusFolder": (airbus_table, "rows of the table", MANY),
}
