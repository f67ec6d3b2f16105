"""Images of any size at full resolution: crops to train on, and tiles to detect in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from course_utils._validate import check_number, check_whole
from course_utils.detection.boxes import Detections, suppress
from course_utils.detection.centernet import STRIDE, boxes_to_maps, check_size
from course_utils.detection.scenes import Scene, turn

SMALLEST_PART = 0.25  # of a ship's area that a crop must show; of less, the box is dropped
SLACK = 2  # pixels by which the parts of two tiles overlap: boxes of one ship differ a little
TRIES = 20  # images that a crop is asked of, where some cannot be read


def check_box_sizes(boxes: Tensor) -> None:
    """Raise a sentence unless the median ship is as wide as a cell of the heatmap, 4 pixels.

    Args:
        boxes: (n, 4), the ships of many images, in pixels.

    Raises:
        ValueError: there is no box, or the median of their shorter and longer sides' mean is below
            the size of a cell: then two ships share one, and hardly any is found.
    """
    if not len(boxes):
        raise ValueError("There is no ship in the training images: give some that hold one.")
    size = median((boxes[:, 2:] - boxes[:, :2]).mean(1).tolist())
    if size < STRIDE:
        raise ValueError(
            f"The median ship is {size:.1f} pixels large, less than a cell of the heatmap "
            f"({STRIDE} pixels), so that hardly any can be found: train on crops at full "
            "resolution instead of shrunk images, or enlarge the images."
        )


def crop(scene: Scene, left: int, top: int, size: int) -> Scene:
    """Cut a square out of a scene, at full resolution; what leaves the image is black.

    A ship of which less than a quarter is inside is left out.
    """
    height, width = scene.image.shape[1:]
    part = scene.image[:, max(top, 0) : top + size, max(left, 0) : left + size]
    before = max(-left, 0), max(-top, 0)
    after = size - part.shape[2] - before[0], size - part.shape[1] - before[1]
    image = F.pad(part, (before[0], after[0], before[1], after[1])) if any(after + before) else part
    moved = scene.boxes - torch.tensor([left, top, left, top])
    inside = moved.clamp(0, size)
    sides, whole = inside[:, 2:] - inside[:, :2], scene.boxes[:, 2:] - scene.boxes[:, :2]
    seen = (sides >= 1).all(1) & (sides.prod(1) >= SMALLEST_PART * whole.prod(1))
    return Scene(f"{scene.name}@{left},{top}", image.contiguous(), inside[seen])


def crop_at(scene: Scene, places: Tensor, size: int, rng: np.random.Generator) -> Scene:
    """Cut a crop at random around one of some boxes (n, 4), or anywhere where there is none.

    It stays inside the image; one that is smaller lies in its top left corner.
    """
    height, width = scene.image.shape[1:]
    free = np.maximum(np.array([width, height]) - size, 0)
    if len(places):
        x0, y0, x1, y1 = places[rng.integers(len(places))].tolist()
        low = np.array([x0 + x1, y0 + y1]) / 2 - size * rng.uniform(0.15, 0.85, 2)
    else:
        low = rng.uniform(0, 1, 2) * free
    left, top = np.clip(low, 0, free).astype(int)
    return crop(scene, int(left), int(top), size)


@dataclass(frozen=True)
class CropPool:
    """Images of any size, and where to cut crops out of them.

    Attributes:
        scenes: read one by one.
        indices: of the scenes that are used.
        places: boxes (n, 4) for each of them, around one of which a crop is cut (the false alarms
            that were mined); where there is none, around one of the scene's ships; where it has
            none either, anywhere.
    """

    scenes: Sequence[Scene]
    indices: Sequence[int]
    places: Sequence[Tensor] | None = None


class CropLoader:
    """Batches of crops and their target maps, read from large images while one trains.

    What `SceneLoader` does for small images in memory; memory here is that of a few batches,
    however many images there are. Crops are turned by quarters and mirrored. An image that cannot
    be read is replaced by another one of its pool. Passes are repeatable by the seed, with any
    number of workers.

    Args:
        positives: images with ships.
        negatives: images without, or None.
        size: height and width of a crop in pixels; a multiple of 4.
        negative_fraction: of each batch, 0 to 1, rounded to whole crops.
        batch_size: crops a batch.
        steps: batches an epoch.
        seed: of images, places and turns.
        workers: processes that read and decode; 0 for none.

    Yields:
        Images uint8 (batch, 3, size, size), and maps of `boxes_to_maps`.

    Raises:
        ValueError: a number is out of its range, a pool is empty, negatives are asked for and there
            are none, or none of 20 images of a pool can be read.
    """

    def __init__(
        self,
        positives: CropPool,
        negatives: CropPool | None = None,
        *,
        size: int,
        negative_fraction: float = 0.0,
        batch_size: int = 32,
        steps: int,
        seed: int = 0,
        workers: int = 0,
    ):
        check_number("negative_fraction", negative_fraction, least=0, below=1)
        for name, value in (("size", size), ("batch_size", batch_size), ("steps", steps)):
            check_whole(name, value, 1)
        check_size(size, size)
        check_whole("workers", workers)
        count = round(negative_fraction * batch_size)
        self.pools = [(positives, batch_size - count), *([(negatives, count)] if count else [])]
        for pool, _ in self.pools:
            if pool is None or not len(pool.indices):
                raise ValueError(
                    "A pool has no images: give images with ships, and images without where "
                    f"negative_fraction is {negative_fraction}."
                )
        self.size, self.steps, self.seed, self.workers = size, steps, seed, workers
        self.epoch = 0

    def __len__(self) -> int:
        """Return the number of batches an epoch."""
        return self.steps

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        first = self.epoch * self.steps
        self.epoch += 1
        return iter(
            DataLoader(
                _CropBatches(self.pools, self.size, self.seed, first, self.steps),
                batch_size=None,
                num_workers=self.workers,
            )
        )


class _CropBatches(Dataset):
    """Batch number i, made of the seed and i alone, in whichever process it is asked for."""

    def __init__(self, pools, size: int, seed: int, first: int, steps: int):
        self.pools, self.size, self.seed, self.first, self.steps = pools, size, seed, first, steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        if number >= self.steps:
            raise IndexError(number)
        crops = []
        for part, (pool, count) in enumerate(self.pools):
            for row in range(count):
                place = (self.first + number) * count + row
                rng = np.random.default_rng((self.seed, part, place))
                crops.append(self._crop(pool, place, part, rng))
        rng = np.random.default_rng((self.seed, self.first + number))
        most = max(len(scene.boxes) for scene in crops)
        boxes = torch.full((len(crops), most, 4), torch.nan)
        for row, scene in zip(boxes, crops, strict=True):
            row[: len(scene.boxes)] = scene.boxes
        images = torch.stack([scene.image for scene in crops])
        images, boxes = turn(images, boxes, int(rng.integers(4)), bool(rng.integers(2)))
        return images, boxes_to_maps(boxes, self.size, self.size)

    def _crop(self, pool: CropPool, place: int, part: int, rng: np.random.Generator) -> Scene:
        """Cut a crop: each image comes once before any comes twice."""
        count = len(pool.indices)
        round_, position = divmod(place, count)
        for shift in range(TRIES):
            order = _order(self.seed, part, round_, count)
            at = int(order[(position + shift * 7919) % count])
            try:
                scene = pool.scenes[pool.indices[at]]
                break
            except ValueError as error:
                reason = error
        else:
            raise ValueError(f"None of {TRIES} images can be read, the last so: {reason}")
        places = pool.places[at] if pool.places is not None else scene.boxes
        return crop_at(scene, places, self.size, rng)


_ORDERS: dict[tuple, np.ndarray] = {}


def _order(seed: int, part: int, round_: int, count: int) -> np.ndarray:
    """Return a random order of a pool; the last two are kept."""
    key = (seed, part, round_, count)
    if key not in _ORDERS:
        while len(_ORDERS) > 3:
            del _ORDERS[next(iter(_ORDERS))]
        _ORDERS[key] = np.random.default_rng(key).permutation(count)
    return _ORDERS[key]


def tile_starts(length: int, tile: int, overlap: int) -> list[int]:
    """Return where tiles start along a side, so that they cover it and the last ends with it."""
    if length <= tile:
        return [0]
    steps = -(-(length - tile) // (tile - overlap))
    return [round(i * (length - tile) / steps) for i in range(steps + 1)]


def cut_tiles(scene: Scene, tile: int, overlap: int) -> Iterator[tuple[int, int, Scene]]:
    """Yield (left, top, tile) for all tiles of a scene; what leaves the scene is black."""
    height, width = scene.image.shape[1:]
    for top in tile_starts(height, tile, overlap):
        for left in tile_starts(width, tile, overlap):
            yield left, top, crop(scene, left, top, tile)


def merge_tiles(
    parts: Iterable[tuple[int, int, Detections]], shape: Sequence[int], tile: int, overlap: int
) -> Detections:
    """Merge what was found in the tiles of one image: boxes in its pixels, without duplicates.

    Of a ship in the overlap of two tiles that one's box counts in which it lies further inside, so
    that it is whole: a ship may be as long as the overlap.

    Args:
        parts: left, top and what was found, a tile each.
        shape: height and width of the image in pixels; boxes are clipped to it.
        tile: side of a tile in pixels.
        overlap: of two tiles at the least, in pixels.
    """
    height, width = shape
    margin = overlap / 2 - SLACK
    boxes, scores = [torch.empty(0, 4)], [torch.empty(0)]
    for left, top, found in parts:
        own = torch.ones(len(found), dtype=torch.bool)
        centres = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2
        for axis, low, side in ((0, left, width), (1, top, height)):
            at = centres[:, axis]
            own &= (at >= margin) if low > 0 else (at >= 0)
            own &= (at < tile - margin) if low + tile < side else (at < side - low)
        boxes.append(found.boxes[own] + torch.tensor([left, top, left, top]))
        scores.append(found.scores[own])
    boxes = torch.cat(boxes).clamp(min=0).minimum(torch.tensor([width, height, width, height]))
    return suppress(Detections(boxes, torch.cat(scores)))


def check_tiles(tile: int, overlap: int) -> None:
    """Raise a sentence unless tiles of this size and overlap can be laid."""
    check_whole("tile", tile, 2 * STRIDE)
    check_size(tile, tile)
    check_whole("overlap", overlap, 2 * SLACK)
    if overlap > tile // 2:
        raise ValueError(
            f"overlap is {overlap}, more than half of a tile ({tile} pixels): make it smaller; "
            "the longest ship's length is enough."
        )
