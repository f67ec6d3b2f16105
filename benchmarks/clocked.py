"""Prepared batches that note the time of each step, whichever framework's loop takes them."""

from __future__ import annotations

import time
from collections.abc import Sequence

from torch import Tensor
from torch.utils.data import DataLoader

from course_utils.data.datasets import load_fashion_mnist
from course_utils.data.device_loader import DeviceLoader
from course_utils.data.image_dataset import ImageDataset, pool_images
from course_utils.models import simple_net, small_cnn

BATCH_SIZE = 128
WARM_UP = 5  # steps of an epoch that are not counted


class ClockedLoader(DataLoader):
    """Yields batches that are in memory already, and notes when each is asked for.

    It is a `DataLoader` by type, for the frameworks that insist on one, but does not collate. The
    time from one batch to the next is that of a whole step of the loop around it.
    """

    def __init__(self, batches: Sequence[tuple[Tensor, Tensor]]):
        super().__init__(batches, batch_size=None)
        self.batches = batches
        self.ticks: list[float] = []

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self):
        for batch in self.batches:
            self.ticks.append(time.perf_counter())
            yield batch

    def seconds_a_step(self) -> float:
        """Return the mean time from one batch to the next, without the first steps."""
        counted = self.ticks[WARM_UP:]
        return (counted[-1] - counted[0]) / (len(counted) - 1)


def simple_problem(steps: int):
    """Return the source text's net, as a function that builds it, and one epoch of batches."""
    return simple_net, _batches(load_fashion_mnist()[0], steps)


def cnn_problem(steps: int):
    """Return the small CNN, as a function that builds it, and one epoch of 14 x 14 batches."""
    return small_cnn, _batches(pool_images(load_fashion_mnist()[0], 2), steps)


PROBLEMS = {"784-100-10 net": simple_problem, "small CNN, 14 x 14": cnn_problem}


def _batches(images: ImageDataset, steps: int) -> list[tuple[Tensor, Tensor]]:
    images = images.subset(range(min(len(images), steps * BATCH_SIZE)))
    return list(DeviceLoader(images, batch_size=BATCH_SIZE, shuffle=True, drop_last=True))
