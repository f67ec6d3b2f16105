"""Detectors of ships: one that trains in seconds on a CPU, and a ResNet with a feature pyramid."""

from __future__ import annotations

import math
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from urllib.parse import urlparse

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils._validate import check_number, check_type, check_whole
from course_utils.data.datasets import DOWNLOAD_ERRORS, connection_timeout
from course_utils.detection.boxes import Detections
from course_utils.detection.centernet import CHANNELS, check_size, maps_to_detections
from course_utils.detection.scenes import Scene
from course_utils.detection.tiles import check_tiles, cut_tiles, merge_tiles
from course_utils.training.preserve_state import eval_mode

MEAN, STD = 85.0, 40.0  # of the simulated scenes' levels, 0 to 255: the net normalises by itself


class ShipDetector(nn.Module):
    """Fully convolutional, without anchors: maps of centres at a quarter of the image's size.

    A path at an eighth of the size sees the surroundings; it is added to the one at a quarter,
    which keeps the places (Lin et al., "Feature pyramid networks for object detection", 2017).

    Args:
        width: channels of the layers.
        prior: the fraction of cells that the untrained net takes for a centre (Lin et al., "Focal
            loss for dense object detection", 2017, section 4.1), so that training starts calmly.

    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(self, *, width: int = 16, prior: float = 0.01):
        super().__init__()
        check_whole("width", width, 1)
        check_number("prior", prior, above=0, below=1)
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
            # heatmap; boxes of 4 x 4 cells, in the middle of the cell
            start = [math.log(prior / (1 - prior)), math.log(4), math.log(4), 0.5, 0.5]
            self.head.bias.copy_(torch.tensor(start))

    def forward(self, images: Tensor) -> Tensor:
        """Map images of levels 0 to 255 (n, 3, h, w) to (n, 5, h / 4, w / 4)."""
        # channels_last: a tenth faster on CPUs
        levels = images.to(torch.float32, memory_format=torch.channels_last)
        features = self.stem((levels - MEAN) / STD)
        near = self.near(features)
        far = F.interpolate(self.far(near), size=near.shape[-2:])
        return self.head(features + self.merge(near + far))


def detect(
    model: nn.Module,
    scenes: Iterable[Scene],
    *,
    batch_size: int = 64,
    decode: Callable[[Tensor], list[Detections]] = maps_to_detections,
    tile: int | None = None,
    overlap: int = 64,
) -> Iterator[tuple[Scene, Detections]]:
    """Run a detector over a stream of scenes; memory is that of one batch.

    Args:
        model: maps images (n, 3, h, w), uint8, to whatever `decode` takes.
        scenes: any iterable, of any length.
        batch_size: scenes (or tiles) at once.
        decode: turns the model's output into one `Detections` an image.
        tile: side in pixels of the tiles that scenes of any size are cut into; None takes each
            scene whole, which must then all be of one size.
        overlap: of tiles, in pixels: as long as the longest ship. Boxes are merged.

    Yields:
        Each scene with its detections, in order.

    Raises:
        TypeError: the model is no `nn.Module`, or a scene no `Scene`.
        ValueError: `batch_size` is below 1, the scenes of a batch differ in size, or `decode` gives
            other than one `Detections` a scene.
    """
    check_type("model", model, nn.Module)
    check_whole("batch_size", batch_size, 1)
    if tile is not None:
        check_tiles(tile, overlap)
        yield from _detect_in_tiles(model, scenes, batch_size, decode, tile, overlap)
        return
    tensors = chain(model.parameters(), model.buffers(), [torch.empty(0)])  # a rule may have none
    device = next(tensors).device
    stream = iter(scenes)
    while batch := list(islice(stream, batch_size)):
        for scene in batch:
            check_type("A scene", scene, Scene)
        shapes = {tuple(scene.image.shape) for scene in batch}
        if len(shapes) > 1:
            raise ValueError(
                f"The scenes have the sizes {sorted(shapes)}, but a batch needs one: give "
                "tile=256, or use batch_size=1."
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


def _detect_in_tiles(
    model: nn.Module, scenes: Iterable[Scene], batch_size: int, decode, tile: int, overlap: int
) -> Iterator[tuple[Scene, Detections]]:
    """Detect in the tiles of all scenes, a batch of tiles at a time, and merge them."""
    waiting: deque[tuple[Scene, list]] = deque()  # scenes whose tiles are under way

    def tiles() -> Iterator[Scene]:
        for scene in scenes:
            check_type("A scene", scene, Scene)
            corners, parts = [], []
            for left, top, part in cut_tiles(scene, tile, overlap):
                corners.append((left, top))
                parts.append(part)
            waiting.append((scene, corners))
            yield from parts

    done: list[Detections] = []
    for _, found in detect(model, tiles(), batch_size=batch_size, decode=decode):
        done.append(found)
        scene, corners = waiting[0]
        if len(done) == len(corners):
            waiting.popleft()
            parts = ((*corner, part) for corner, part in zip(corners, done, strict=True))
            yield scene, merge_tiles(parts, scene.image.shape[1:], tile, overlap)
            done = []


def _block(
    ins: int, outs: int, *, size: int = 3, stride: int = 1, padding: int = 1
) -> nn.Sequential:
    conv = nn.Conv2d(ins, outs, size, stride=stride, padding=padding, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outs), nn.ReLU(inplace=True))


DEPTHS = (18, 34)
STAGES = (64, 128, 256, 512)  # channels at 1/4, 1/8, 1/16 and 1/32 of the image's size


class FpnDetector(nn.Module):
    """Takes and gives what `ShipDetector` does, so that loss, batches, `detect` and mining fit.

    The ResNet (He et al., "Deep residual learning for image recognition", 2016) sees more and more
    of the surroundings, more and more coarsely; the pyramid (Lin et al., "Feature pyramid networks
    for object detection", 2017) brings that back to its finest level, a quarter of the image's
    size. Both are torchvision's; the head on that level is the small detector's own.

    Args:
        depth: of the ResNet, 18 or 34.
        width: channels of the pyramid.
        pretrained: start from torchvision's ImageNet weights, which are downloaded once (45 or
            83 MB).
        prior: the fraction of cells that the untrained net takes for a centre, as in
            `ShipDetector`.

    Raises:
        ValueError: there is no such depth, or a number is out of its range.
        FileNotFoundError: the weights are not there and cannot be downloaded, or are damaged.
    """

    def __init__(
        self, *, depth: int = 18, width: int = 64, pretrained: bool = False, prior: float = 0.01
    ):
        super().__init__()
        if depth not in DEPTHS:
            raise ValueError(f"depth is {depth}, but must be one of {', '.join(map(str, DEPTHS))}.")
        check_whole("width", width, 1)
        from torchvision.ops import FeaturePyramidNetwork

        net = _build(depth, pretrained)
        # The levels that the weights were trained on, times 255: images come as bytes.
        for name, levels in (("mean", (0.485, 0.456, 0.406)), ("std", (0.229, 0.224, 0.225))):
            self.register_buffer(name, 255 * torch.tensor(levels)[:, None, None])
        self.stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)
        self.stages = nn.ModuleList([net.layer1, net.layer2, net.layer3, net.layer4])
        self.pyramid = FeaturePyramidNetwork(STAGES, width, norm_layer=nn.BatchNorm2d)
        # Only the finest level is asked for; the last convolutions of the others would idle.
        for coarser in range(1, len(STAGES)):
            self.pyramid.layer_blocks[coarser] = nn.Identity()
        self.head = ShipDetector(width=width, prior=prior).head

    def forward(self, images: Tensor) -> Tensor:
        """Map images of levels 0 to 255 (n, 3, h, w) to (n, 5, h / 4, w / 4).

        Raises:
            ValueError: height or width is not a multiple of 4.
        """
        check_size(*images.shape[-2:])
        features = self.stem((images.float() - self.mean) / self.std)
        levels = {}
        for number, stage in enumerate(self.stages):
            levels[str(number)] = features = stage(features)
        return self.head(F.relu(self.pyramid(levels)["0"]))


def _build(depth: int, pretrained: bool) -> nn.Module:
    """Build torchvision's ResNet, with its ImageNet weights if asked for."""
    from torchvision import models  # a second or more, which most lessons save

    build = {18: models.resnet18, 34: models.resnet34}[depth]
    weights = models.get_model_weights(build).IMAGENET1K_V1
    if not pretrained:
        return build()
    try:
        with connection_timeout():
            return build(weights=weights)
    except (*DOWNLOAD_ERRORS, EOFError, pickle.UnpicklingError) as error:
        place = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(weights.url).path).name
        words = str(error).partition("\n")[0].rstrip(".")
        raise FileNotFoundError(
            f"The ImageNet weights of ResNet-{depth} cannot be loaded ({words}): go online, put a "
            f"sound copy of {weights.url} at {place}, or use pretrained=False."
        ) from error
