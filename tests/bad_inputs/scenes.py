"""Bad inputs of scenes: one, a packed pool and its batches, simulated and resized ones."""

import math

import torch

from bad_inputs.detection import BOX, IMAGE, scene
from course_utils.detection.scenes import Scene, SceneLoader, pack
from course_utils.detection.synthetic import SimulatedScenes


def packed():
    return pack([scene(boxes=BOX)] * 2)


def with_box(*box):
    return torch.cat([BOX, torch.tensor([box], dtype=torch.float32)])


def batches(**settings):
    return lambda make: make(packed(), **{"steps": 1} | settings)


def simulated(**settings):
    return lambda make: make(**{"count": 3, "ships": True} | settings)


ROWS = {
    "image of floats": (Scene, lambda _: scene(IMAGE.float()), ValueError, "float32", "uint8"),
    "image with channels last": (
        Scene, lambda _: scene(IMAGE.permute(1, 2, 0)),
        ValueError, "(64, 64, 3)", "(3, height, width)",
    ),
    "image as an array": (Scene, lambda _: scene(IMAGE.numpy()), TypeError, "ndarray", "Tensor"),
    "boxes of a scene flat": (Scene, lambda _: scene(boxes=BOX[0]), ValueError, "(4,)", "(n, 4)"),
    "boxes of a scene None": (Scene, lambda _: scene(boxes=None), TypeError, "boxes is None"),
    "box of a scene NaN": (
        Scene, lambda _: scene(boxes=with_box(8, 8, math.nan, 16)),
        ValueError, "boxes of scene 'scene'", "nan", "finite",
    ),
    "box of a scene without area": (
        Scene, lambda _: scene(boxes=with_box(8, 8, 8, 16)),
        ValueError, "scene 'scene'", "row 1", "x0 < x1",
    ),
    "boxes of a scene as fractions": (
        Scene, lambda _: scene(boxes=BOX / 64), ValueError, "scene 'scene'", "multiply", "width",
    ),
    "box beyond the scene": (
        Scene, lambda _: scene(boxes=with_box(8, 8, 70, 16)),
        ValueError, "scene 'scene'", "70.0", "64 x 64", "clipped",
    ),
    "box above the scene": (
        Scene, lambda _: scene(boxes=with_box(8, -1, 16, 16)), ValueError, "-1.0", "leaves",
    ),
    "look-alike beyond the scene": (
        Scene, lambda make: make("scene", IMAGE, BOX, ("pier",), with_box(8, 8, 16, 65)),
        ValueError, "look-alikes of scene 'scene'", "65.0",
    ),
    "images to pack": (pack, lambda pack: pack([IMAGE]), TypeError, "scene is of type Tensor"),
    "no scenes to pack": (pack, lambda pack: pack([]), ValueError, "0 scenes", "at least one"),
    "scenes of two sizes to pack": (
        pack, lambda pack: pack([scene(), scene(IMAGE[:, :32])]),
        ValueError, "(3, 32, 64)", "one size",
    ),
    "scene of 62 pixels to pack": (
        pack, lambda pack: pack([scene(IMAGE[:, :62])]), ValueError, "64 x 62", "multiples of 4",
    ),
    "device to pack for unknown": (
        pack, lambda pack: pack([scene()], device="tpu9"), ValueError, "'tpu9'", "choose 'cpu'",
    ),
    "all scenes negative": (
        SceneLoader, batches(negative_fraction=1), ValueError, "negative_fraction is 1", "below 1",
    ),
    "negatives of nothing": (
        SceneLoader, batches(negative_fraction=0.5), ValueError, "0.5", "no scenes without ships",
    ),
    "steps of an epoch 0": (SceneLoader, batches(steps=0), ValueError, "steps is 0", "at least 1"),
    "scenes a batch as a text": (
        SceneLoader, batches(batch_size="8"), ValueError, "batch_size is '8'", "integer",
    ),
    "seed of scenes below 0": (SceneLoader, batches(seed=-1), ValueError, "seed is -1"),
    "scenes that are not packed": (
        SceneLoader, lambda make: make([scene()], steps=1), TypeError, "positives is of type list",
    ),
    "scenes that are not square": (
        SceneLoader, lambda make: make(pack([scene(IMAGE[:, :32])]), steps=1),
        ValueError, "(3, 32, 64)", "square",
    ),
    "scenes of two sizes to load": (
        SceneLoader,
        lambda make: make(packed(), pack([scene(IMAGE[:, :32, :32])]), steps=1),
        ValueError, "(3, 32, 32), (3, 64, 64)", "one square",
    ),
    "scenes below 0": (SimulatedScenes, simulated(count=-1), ValueError, "count is -1"),
    "scenes as a float": (SimulatedScenes, simulated(count=3.0), ValueError, "count is 3.0"),
    "scene of 32 pixels": (SimulatedScenes, simulated(size=32), ValueError, "size is 32", "64"),
    "seed as a text": (SimulatedScenes, simulated(seed="0"), ValueError, "seed is '0'"),
    "look-alikes as a percentage": (
        SimulatedScenes, simulated(look_alikes=30), ValueError, "look_alikes is 30", "at most 1",
    ),
    "fraction of unlabelled NaN": (
        SimulatedScenes, simulated(unlabelled=math.nan), ValueError, "unlabelled is nan",
    ),
    "a scene too many": (
        SimulatedScenes, lambda make: simulated()(make)[3], IndexError, "no scene 3", "has 3",
    ),
}  # fmt: skip
