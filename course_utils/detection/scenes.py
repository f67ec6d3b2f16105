"""Scenes: images seen from above with the boxes of their ships, and batches of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import NoneType

import torch
from torch import Tensor

from course_utils._validate import check_number, check_type, check_whole
from course_utils.detection.boxes import check_boxes
from course_utils.detection.centernet import boxes_to_maps, check_size
from course_utils.training.device import pick_device
from course_utils.training.distributed import own_part


@dataclass(frozen=True)
class Scene:
    """An image and what is in it; a box is x0, y0, x1, y1 in pixels, the last two exclusive.

    Attributes:
        name: of the scene, unique in its set.
        image: uint8 (3, height, width).
        boxes: float32 (n, 4), one a ship.
        kinds: what each look-alike is; empty for real images.
        look_alikes: float32 (m, 4), the boxes of the look-alikes.
        ground: what is below in a simulated scene, as "harbour"; empty for real images.

    Raises:
        TypeError: image or boxes are no tensor.
        ValueError: a tensor is of another form, or a box is not finite, without area, outside the
            image or in fractions of it.
    """

    name: str
    image: Tensor
    boxes: Tensor
    kinds: tuple[str, ...] = ()
    look_alikes: Tensor = field(default_factory=lambda: torch.empty(0, 4))
    ground: str = ""

    def __post_init__(self):
        for name in ("image", "boxes", "look_alikes"):
            check_type(name, getattr(self, name), Tensor)
        image = self.image
        if image.dtype != torch.uint8 or image.dim() != 3 or len(image) != 3:
            raise ValueError(
                f"The image of scene {self.name!r} is {image.dtype} of shape "
                f"{tuple(image.shape)}, but must be uint8 (3, height, width)."
            )
        for boxes, what in ((self.boxes, "boxes"), (self.look_alikes, "look-alikes")):
            self._check_boxes(boxes, f"The {what} of scene {self.name!r}")

    def _check_boxes(self, boxes: Tensor, what: str) -> None:
        check_boxes(boxes, what)
        if not len(boxes):
            return
        if boxes.max() <= 1 and (boxes % 1).any():
            raise ValueError(
                f"{what} are all smaller than a pixel, as fractions of the image are: multiply "
                "them by its width and height."
            )
        height, width = self.image.shape[1:]
        good = (boxes >= 0).all(1) & (boxes[:, 2] <= width) & (boxes[:, 3] <= height)
        if not good.all():
            number = int((~good).nonzero()[0])
            raise ValueError(
                f"{what} hold {torch.round(boxes[number].double(), decimals=3).tolist()} (row "
                f"{number}), which leaves the image of {width} x {height} pixels: give x0, y0, x1, "
                "y1 in its pixels, clipped to it."
            )


@dataclass(frozen=True)
class PackedScenes:
    """Scenes of one size as two tensors.

    Attributes:
        images: uint8 (n, 3, height, width).
        boxes: float32 (n, b, 4), each scene's list filled up with NaN.
    """

    images: Tensor
    boxes: Tensor

    def __len__(self) -> int:
        return len(self.images)


def pack(scenes: Iterable[Scene], *, device: torch.device | str = "cpu") -> PackedScenes:
    """Pack scenes of one size; they are all kept in memory.

    Raises:
        TypeError: one is no `Scene`.
        ValueError: there is none, they differ in size, or it is not a multiple of 4 pixels; or the
            device is not there.
    """
    scenes = list(scenes)
    for scene in scenes:
        check_type("A scene", scene, Scene)
    shapes = {tuple(scene.image.shape) for scene in scenes}
    if len(shapes) != 1:
        raise ValueError(
            f"There are {len(scenes)} scenes of the sizes {sorted(shapes)}, but at least one scene "
            "and one size are needed."
        )
    check_size(*shapes.pop()[1:])
    most = max(len(scene.boxes) for scene in scenes)
    boxes = torch.full((len(scenes), most, 4), torch.nan)
    for row, scene in zip(boxes, scenes, strict=True):
        row[: len(scene.boxes)] = scene.boxes
    images = torch.stack([scene.image for scene in scenes])
    device = pick_device(device)
    return PackedScenes(images.to(device), boxes.to(device))


class SceneLoader:
    """Iterable of (images, target maps), with a fixed mix of scenes in each batch.

    Both pools are gone through in a random order, again and again: each scene of a pool comes once
    before any comes twice. Images are turned by quarters and mirrored at random, with their boxes.
    Where several ranks run, each makes its own part of each batch.

    Args:
        positives: scenes with ships.
        negatives: scenes without, or None.
        negative_fraction: of each batch, 0 to 1, rounded to whole scenes.
        batch_size: scenes a batch, of all ranks together.
        steps: batches an epoch.
        seed: of order and turns.

    Yields:
        Images uint8 (batch, 3, height, width), and maps of `boxes_to_maps`.

    Raises:
        TypeError: a pool is no `PackedScenes`.
        ValueError: a number is out of its range, the scenes are not square or of two sizes, or
            negatives are asked for and there are none.
    """

    def __init__(
        self,
        positives: PackedScenes,
        negatives: PackedScenes | None = None,
        *,
        negative_fraction: float = 0.0,
        batch_size: int = 32,
        steps: int,
        seed: int = 0,
    ):
        check_type("positives", positives, PackedScenes)
        check_type("negatives", negatives, PackedScenes, NoneType)
        check_number("negative_fraction", negative_fraction, least=0, below=1)
        check_whole("batch_size", batch_size, 1)
        check_whole("steps", steps, 1)
        check_whole("seed", seed)
        count = round(negative_fraction * batch_size)
        if count and not negatives:
            raise ValueError(
                f"negative_fraction is {negative_fraction}, but there are no scenes without ships: "
                "give negatives, or a fraction of 0."
            )
        shapes = {tuple(p.images.shape[1:]) for p in (positives, negatives) if p is not None}
        if len(shapes) > 1 or len({n for shape in shapes for n in shape[1:]}) > 1:
            raise ValueError(
                f"The scenes have the sizes {sorted(shapes)}, but need one square one."
            )
        self.steps, self.seed, self.epoch = steps, int(seed), 0
        kept = batch_size - count
        self.pools = [(positives, kept, own_part(kept))]
        if count:
            self.pools.append((negatives, count, own_part(count, before=kept)))

    def __len__(self) -> int:
        """Return the number of batches an epoch."""
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        self.epoch += 1
        orders = [_endless(len(pool), count, generator) for pool, count, _ in self.pools]
        for _ in range(self.steps):
            parts = [
                (pool.images[(rows := next(order)[own]).to(pool.images.device)], pool.boxes[rows])
                for (pool, _, own), order in zip(self.pools, orders, strict=True)
            ]
            turns = int(torch.randint(4, (), generator=generator))
            mirror = bool(torch.randint(2, (), generator=generator))
            images, maps = zip(*(_turned(*part, turns, mirror) for part in parts), strict=True)
            yield torch.cat(images), torch.cat(maps)


def _endless(size: int, count: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield `count` indices at a time, from one random order after the other."""
    left = torch.empty(0, dtype=torch.long)
    while True:
        while len(left) < count:
            left = torch.cat([left, torch.randperm(size, generator=generator)])
        yield left[:count]
        left = left[count:]


def _turned(images: Tensor, boxes: Tensor, turns: int, mirror: bool) -> tuple[Tensor, Tensor]:
    """Turn images with their boxes, and return images and maps."""
    images, boxes = turn(images, boxes, turns, mirror)
    return images, boxes_to_maps(boxes, *images.shape[2:])


def turn(images: Tensor, boxes: Tensor, turns: int, mirror: bool) -> tuple[Tensor, Tensor]:
    """Turn square images (n, 3, s, s) by quarters to the left and mirror them, with their boxes."""
    size = images.shape[-1]
    for _ in range(turns):
        x0, y0, x1, y1 = boxes.unbind(-1)
        boxes = torch.stack([y0, size - x1, y1, size - x0], -1)
    images = images.rot90(turns, (-2, -1))
    if mirror:
        x0, y0, x1, y1 = boxes.unbind(-1)
        boxes, images = torch.stack([size - x1, y0, size - x0, y1], -1), images.flip(-1)
    return images, boxes
