"""Batches of small images that live on the device, and are shuffled and augmented there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Sampler

from course_utils._validate import check_number, check_span, check_type, check_whole
from course_utils.data.image_dataset import ImageDataset
from course_utils.training.device import pick_device
from course_utils.training.distributed import own_part


class DeviceLoader:
    """Iterable of (images, labels), one pass an epoch, without worker processes.

    The set lies on the device as uint8. Batch k of epoch e depends on the seed, e and k alone: no
    global generator is read or changed, and the order is the same with and without `augment`.
    Every `iter()` begins the next epoch, after a `break` as well.

    Where several ranks run, each makes its own part of each batch, so that together they make the
    batches of one process; a part may be empty where a batch has fewer images than ranks.

    Args:
        dataset: the images, their labels, and the mean and std to normalise with.
        batch_size: images a batch, of all ranks together; an epoch's last one may be smaller.
        device: where the set lies and the batches are made.
        shuffle: draw a new order each epoch; else the set's own.
        sampler: says in place of `shuffle` which images an epoch holds: gives their positions in
            the set, and has `len()` and `set_epoch(epoch)`, as `OversamplingSampler`.
        augment: what to change at random; nothing by default. For training only.
        drop_last: leave out the last batch of an epoch when it is smaller.
        seed: of order and augmentation; an integer from 0.

    Yields:
        Images, float32 (batch, channels, height, width), normalised; and labels, int64 (batch,).

    Raises:
        TypeError: `dataset` or `augment` is of another type.
        ValueError: a setting is out of its range.
    """

    def __init__(
        self,
        dataset: ImageDataset,
        *,
        batch_size: int,
        device: torch.device | str = "cpu",
        shuffle: bool = False,
        sampler: Sampler | None = None,
        augment: Augment | None = None,
        drop_last: bool = False,
        seed: int = 0,
    ):
        check_type("dataset", dataset, ImageDataset)
        check_whole("batch_size", batch_size, 1)
        check_whole("seed", seed)
        if getattr(sampler, "world_size", 1) > 1:
            raise ValueError(
                f"The sampler gives one rank's part of {sampler.world_size}: give one of the whole "
                "epoch (world_size=1), since DeviceLoader takes each rank's part itself."
            )
        self._size = len(dataset if sampler is None else sampler)  # images an epoch
        if sampler is not None and (shuffle or not self._size or not hasattr(sampler, "set_epoch")):
            given = f"a {type(sampler).__name__} with shuffle={shuffle}, length {self._size}"
            raise ValueError(f"The sampler is {given}: give one with set_epoch(), and no shuffle.")
        if drop_last and batch_size > self._size:
            raise ValueError(
                f"batch_size is {batch_size}, but {dataset.name} has {self._size} images, "
                "which drop_last=True would all leave out: choose a smaller batch."
            )
        self.batch_size, self.seed = batch_size, seed
        self.shuffle, self.sampler, self.drop_last = shuffle, sampler, drop_last
        device = pick_device(device)
        images, labels = dataset.images.to(device).contiguous(), dataset.labels.to(device)
        self.dataset = replace(dataset, images=images, labels=labels)
        self._sources = None
        if augment is not None:
            check_type("augment", augment, Augment)
            check_whole("pad", augment.pad)
            height, width = images.shape[2:]
            hint, most = f"the images are {height} x {width}", min(height, width) - 1
            check_number("pad", augment.pad, most=most, hint=hint)
            self._sources = source_pixels(images.shape[1:], augment).to(device)
        self._epoch = self._batch = 0
        self._running: object | None = None  # the iteration that gave the last batch, till it ends

    def __len__(self) -> int:
        """Return the number of batches an epoch."""
        whole, rest = divmod(self._size, self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    @property
    def num_images(self) -> int:
        """The number of images an epoch."""
        return len(self) * self.batch_size if self.drop_last else self._size

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self._running is not None and self._batch:  # an epoch that was left in its middle
            self._epoch, self._batch = self._epoch + 1, 0
        run, epoch, first = object(), self._epoch, self._batch
        order, changes = self._plan(epoch)
        try:
            for batch in range(first, len(self)):
                # Each time anew: others may have iterated, or loaded a state, in between.
                self._running = run
                at_end = batch + 1 == len(self)
                self._epoch, self._batch = (epoch + 1, 0) if at_end else (epoch, batch + 1)
                yield self._make(batch, order, changes)
        finally:
            # A loaded state stays, even where an iteration from before it ends only now.
            if self._running is run:
                self._running, self._epoch, self._batch = None, epoch + 1, 0

    def state_dict(self) -> dict[str, int]:
        """Return the position of the batch that comes next: epoch, batch and the seed."""
        return {"epoch": self._epoch, "batch": self._batch, "seed": self.seed}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Let the next `iter()` go on at a position that `state_dict` returned.

        Raises:
            ValueError: it is no such position, or one of a set with more batches.
        """
        if not isinstance(state, dict) or state.keys() != self.state_dict().keys():
            raise ValueError(
                f"The state is {state!r}, but must be what DeviceLoader.state_dict() returns: "
                "a dictionary of epoch, batch and seed."
            )
        for name, value in state.items():
            check_whole(name, value)
        if state["batch"] >= len(self):
            raise ValueError(
                f"The state is at batch {state['batch']}, but an epoch has {len(self)} batches: "
                "load it into batches of the set and batch size that it was saved from."
            )
        self._epoch, self._batch, self.seed = state["epoch"], state["batch"], state["seed"]
        self._running = None

    def _plan(self, epoch: int) -> tuple[Tensor, Tensor | None]:
        """Draw the order of an epoch's images and the change to each, moved to the device once."""
        # The CPU's, so that devices agree; hashed, so that seed 1, epoch 0 is not seed 0, epoch 1.
        mixed = np.random.SeedSequence((self.seed, epoch)).generate_state(1)
        generator = torch.Generator().manual_seed(int(mixed[0]))
        size, device = self._size, self.dataset.images.device
        order = torch.randperm(size, generator=generator) if self.shuffle else torch.arange(size)
        if self.sampler is not None:
            self.sampler.set_epoch(epoch)
            order = torch.tensor(list(self.sampler))
            check_span("The sampler's positions", order, len(self.dataset), "give one of this set")
        if self._sources is None:
            return order.to(device), None
        changes = torch.randint(len(self._sources), (size,), generator=generator)
        return order.to(device), changes.to(device)

    def _make(self, batch, order, changes) -> tuple[Tensor, Tensor]:
        first = batch * self.batch_size
        whole, own = slice(first, first + self.batch_size), own_part(self.batch_size)
        # index_select copies whole images: on a CPU several times as fast as images[order]
        rows = order[whole][own]
        images = self.dataset.images.index_select(0, rows)
        labels = self.dataset.labels.index_select(0, rows)
        if changes is not None:
            images = move_pixels(images, self._sources.index_select(0, changes[whole][own]))
        return self.dataset.normalised(images), labels


@dataclass(frozen=True)
class Augment:
    """Random changes that leave an image's class as it is, drawn anew for each image and epoch.

    The usual ones (He et al., "Deep residual learning", 2016), the border reflected, not black.

    Attributes:
        flip: mirror left and right, with probability 1/2.
        pad: how many pixels to reflect outwards on each side before a random crop to the old size.
    """

    flip: bool = True
    pad: int = 2


def source_pixels(shape: tuple[int, int, int], augment: Augment) -> Tensor:
    """Tabulate where each pixel of an image (channels, height, width) comes from, for each change.

    A row a change: int32 (flips * offsets, pixels of all channels).
    """
    (channels, height, width), pad = shape, augment.pad
    pixels = torch.arange(channels * height * width, dtype=torch.int32).view(shape)
    padded = F.pad(pixels.double(), (pad,) * 4, mode="reflect").int()
    crops = padded.unfold(1, height, 1).unfold(2, width, 1)  # channel, dy, dx, height, width
    rows = crops.permute(1, 2, 0, 3, 4).reshape(-1, *shape)
    if augment.flip:
        rows = torch.cat([rows, rows.flip(-1)])
    return rows.flatten(1)


def move_pixels(images: Tensor, sources: Tensor) -> Tensor:
    """Give each image's pixels their new places, by a row of `source_pixels` an image.

    One flat gather: twice as fast as one a row.
    """
    first = torch.arange(len(images), dtype=torch.int32, device=images.device) * sources.shape[1]
    return images.flatten().index_select(0, (sources + first[:, None]).flatten()).view_as(images)
