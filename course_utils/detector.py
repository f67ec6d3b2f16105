"""A small detector of ships that trains in seconds on a CPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.centre_maps import CHANNELS, maps_to_detections
from course_utils.detections import Detections
from course_utils.limits import check_number, check_type, check_whole
from course_utils.scene import Scene
from course_utils.snapshot import eval_mode


class ShipDetector(nn.Module):
    """Fully convolutional, without anchors: maps of centres at a quarter of the image's size.

    A path at an eighth of the size sees the surroundings; it is added to the one at a quarter,
    which keeps the places (Lin et al., "Feature pyramid networks for object detection", 2017).

    Args:
        width: channels of the layers.
        mean: of the pixels' levels, 0 to 255; the net normalises its images itself.
        std: standard deviation of the pixels' levels.
        rare: the share of cells that the untrained net takes for a centre (Lin et al., "Focal loss
            for dense object detection", 2017, section 4.1), so that training starts calmly.

    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(
        self, *, width: int = 16, mean: float = 85.0, std: float = 40.0, rare: float = 0.01
    ):
        super().__init__()
        check_whole("width", width, 1)
        check_number("mean", mean)
        check_number("std", std, above=0)
        check_number("rare", rare, above=0, below=1)
        self.mean, self.std = mean, std
        self.stem = _block(3, width, size=6, stride=4, padding=1)
        self.near = _block(width, width)
        self.far = nn.Sequential(
            _block(width, 2 * width, stride=2),
            _block(2 * width, 2 * width),
            nn.Conv2d(2 * width, width, 1),
        )
        self.merge = _block(width, width)
        self.head = nn.Conv2d(width, CHANNELS, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        with torch.no_grad():
            # heat; boxes of 4 x 4 cells, in the middle of the cell
            start = [math.log(rare / (1 - rare)), math.log(4), math.log(4), 0.5, 0.5]
            self.head.bias.copy_(torch.tensor(start))

    def forward(self, images: Tensor) -> Tensor:
        """Map images of levels 0 to 255 (n, 3, h, w) to (n, 5, h / 4, w / 4)."""
        # channels_last: a tenth faster on CPUs
        levels = images.to(torch.float32, memory_format=torch.channels_last)
        features = self.stem((levels - self.mean) / self.std)
        near = self.near(features)
        far = F.interpolate(self.far(near), size=near.shape[-2:])
        return self.head(features + self.merge(near + far))


def detect(
    model: nn.Module,
    scenes: Iterable[Scene],
    *,
    batch_size: int = 64,
    decode: Callable[[Tensor], list[Detections]] = maps_to_detections,
) -> Iterator[tuple[Scene, Detections]]:
    """Run a detector over a stream of scenes of one size; memory is that of one batch.

    Args:
        model: maps images (n, 3, h, w), uint8, to whatever `decode` takes.
        scenes: any iterable, of any length.
        batch_size: scenes at once.
        decode: turns the model's output into one `Detections` an image.

    Yields:
        Each scene with its detections, in order.

    Raises:
        TypeError: the model is no `nn.Module`, or a scene no `Scene`.
        ValueError: `batch_size` is below 1, the scenes of a batch differ in size, or `decode` gives
            other than one `Detections` a scene.
    """
    check_type("model", model, nn.Module)
    check_whole("batch_size", batch_size, 1)
    device = next(model.parameters()).device
    stream = iter(scenes)
    while batch := list(islice(stream, batch_size)):
        for scene in batch:
            check_type("A scene", scene, Scene)
        shapes = {tuple(scene.image.shape) for scene in batch}
        if len(shapes) > 1:
            raise ValueError(
                f"The scenes have the sizes {sorted(shapes)}, but a batch needs one: resize them, "
                "or use batch_size=1."
            )
        with torch.no_grad(), eval_mode(model):
            outputs = model(torch.stack([scene.image for scene in batch]).to(device))
        results = decode(outputs)
        if len(results) != len(batch):
            raise ValueError(
                f"decode gave {len(results)} detections for {len(batch)} scenes, but must give one "
                "`Detections` a scene."
            )
        yield from zip(batch, results, strict=True)


def _block(
    ins: int, outs: int, *, size: int = 3, stride: int = 1, padding: int = 1
) -> nn.Sequential:
    conv = nn.Conv2d(ins, outs, size, stride=stride, padding=padding, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outs), nn.ReLU(inplace=True))
