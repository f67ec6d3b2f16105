"""Training batches of scenes that live on the device: so many with ships, so many without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import NoneType

import torch
from torch import Tensor

from course_utils.centre_maps import STRIDE, boxes_to_maps
from course_utils.device import pick_device
from course_utils.limits import check_number, check_type, check_whole
from course_utils.ranks import own_part
from course_utils.scene import Scene


@dataclass(frozen=True)
class PackedScenes:
    """Scenes of one size as two tensors.

    Attributes:
        images: uint8 (n, 3, height, width).
        boxes: float32 (n, b, 4), each scene's list filled up with NaN.

    Raises:
        ValueError: there is no scene.
    """

    images: Tensor
    boxes: Tensor

    def __post_init__(self):
        if not len(self.images):
            raise ValueError(f"The images are {tuple(self.images.shape)}, but need at least one.")

    def __len__(self) -> int:
        return len(self.images)


def pack(scenes: Iterable[Scene], *, device: torch.device | str = "cpu") -> PackedScenes:
    """Pack scenes of one size; they are all kept in memory.

    Raises:
        ValueError: there is none, they differ in size, or it is not a multiple of 4 pixels; or the
            device is not there.
    """
    scenes = list(scenes)
    shapes = {tuple(scene.image.shape) for scene in scenes}
    if len(shapes) != 1:
        raise ValueError(
            f"There are {len(scenes)} scenes of the sizes {sorted(shapes)}, but at least one scene "
            "and one size are needed."
        )
    (shape,) = shapes
    if shape[1] % STRIDE or shape[2] % STRIDE:
        raise ValueError(
            f"The scenes have {shape[1]} x {shape[2]} pixels, but both must be multiples of "
            f"{STRIDE}: crop or resize them."
        )
    most = max(len(scene.boxes) for scene in scenes)
    boxes = torch.full((len(scenes), most, 4), torch.nan)
    for row, scene in zip(boxes, scenes, strict=True):
        row[: len(scene.boxes)] = scene.boxes
    images = torch.stack([scene.image for scene in scenes])
    device = pick_device(device)
    return PackedScenes(images.to(device), boxes.to(device))


class SceneBatches:
    """Iterable of (images, target maps), with a fixed mix of scenes in each batch.

    Both pools are gone through in a random order, again and again: each scene of a pool comes once
    before any comes twice. Images are turned by quarters and mirrored at random, with their boxes.
    Where several ranks run, each makes its own part of each batch.

    Args:
        positives: scenes with ships.
        negatives: scenes without, or None.
        negative_share: of each batch, 0 to 1, rounded to whole scenes.
        batch_size: scenes a batch, of all ranks together.
        steps: batches an epoch.
        seed: of order and turns.

    Yields:
        Images uint8 (batch, 3, height, width), and maps of `boxes_to_maps`.

    Raises:
        TypeError: a pool is no `PackedScenes`.
        ValueError: a number is out of its range, the scenes are not square or of two sizes, or a
            share is asked for and there are no negatives.
    """

    def __init__(
        self,
        positives: PackedScenes,
        negatives: PackedScenes | None = None,
        *,
        negative_share: float = 0.0,
        batch_size: int = 32,
        steps: int,
        seed: int = 0,
    ):
        check_type("positives", positives, PackedScenes)
        check_type("negatives", negatives, PackedScenes, NoneType)
        check_number("negative_share", negative_share, least=0, below=1)
        check_whole("batch_size", batch_size, 1)
        check_whole("steps", steps, 1)
        check_whole("seed", seed)
        count = round(negative_share * batch_size)
        if count and not negatives:
            raise ValueError(
                f"negative_share is {negative_share}, but there are no scenes without ships: give "
                "negatives, or a share of 0."
            )
        shapes = {tuple(p.images.shape[1:]) for p in (positives, negatives) if p is not None}
        if len(shapes) > 1 or len({n for shape in shapes for n in shape[1:]}) > 1:
            raise ValueError(
                f"The scenes have the sizes {sorted(shapes)}, but need one square one."
            )
        self.steps, self.seed, self.epoch = steps, seed, 0
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
            turn = int(torch.randint(4, (), generator=generator))
            mirror = bool(torch.randint(2, (), generator=generator))
            images, maps = zip(*(_turned(*part, turn, mirror) for part in parts), strict=True)
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
    """Turn images by quarters to the left and mirror them, with their boxes; return the maps."""
    size = images.shape[-1]
    for _ in range(turns):
        x0, y0, x1, y1 = boxes.unbind(-1)
        boxes = torch.stack([y0, size - x1, y1, size - x0], -1)
    images = images.rot90(turns, (-2, -1))
    if mirror:
        x0, y0, x1, y1 = boxes.unbind(-1)
        boxes, images = torch.stack([size - x1, y0, size - x0, y1], -1), images.flip(-1)
    return images, boxes_to_maps(boxes, size, size)
