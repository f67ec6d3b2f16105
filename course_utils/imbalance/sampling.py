"""Sampling that makes classes equal: oversampling the small ones, or undersampling the large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from course_utils._validate import as_integers, check_whole
from course_utils.data.image_dataset import plain_values


def oversample_indices(
    labels: Tensor | np.ndarray | Sequence[int], *, seed: int = 0, epoch: int = 0
) -> Tensor:
    """Return one epoch of positions in which every class comes as often as the largest one.

    Random oversampling to equality (Hensman and Masko 2015). Every sample of the set comes at
    least once. The copies of a class are spread evenly, so that no sample has two copies more than
    another of its class; which ones have the one copy more is drawn anew each epoch. Oversample the
    training part only, *after* the split: copies on both sides of a split leak.

    Args:
        labels: the class of each sample, (n,), any integers: a tensor, an array, a sequence or a
            pandas series, whatever its index.
        seed: from 0; no global generator is read or changed.
        epoch: from 0; each has a draw and an order of its own.

    Returns:
        int64 (classes * size of the largest,), shuffled.

    Raises:
        ValueError: the labels are no integers in one dimension, or there are none; or seed or
            epoch is no integer from 0.
    """
    return _equal_indices(labels, torch.max, seed, epoch)


def undersample_indices(
    labels: Tensor | np.ndarray | Sequence[int], *, seed: int = 0, epoch: int = 0
) -> Tensor:
    """Return positions in which every class comes as often as the smallest one, none twice.

    Random undersampling: the rest of the larger classes is not used. Keep `epoch` at 0 for one
    smaller set; let it count to draw another part of the larger classes each time.

    Args:
        labels: the class of each sample, (n,), any integers: a tensor, an array, a sequence or a
            pandas series, whatever its index.
        seed: from 0; no global generator is read or changed.
        epoch: from 0; each has a draw and an order of its own.

    Returns:
        int64 (classes * size of the smallest,), shuffled.

    Raises:
        ValueError: as `oversample_indices`.
    """
    return _equal_indices(labels, torch.min, seed, epoch)


class OversamplingSampler(Sampler[int]):
    """Sampler of `oversample_indices`, for `DeviceLoader` or a `DataLoader`, on one rank or many.

    `torch.utils.data.WeightedRandomSampler` draws with replacement: in each epoch it misses a part
    of the largest class, and the classes are equal only on average. Here nothing is missed, and the
    classes are equal in each epoch.

    With several ranks, all ranks together give exactly the epoch of one: nothing twice, nothing
    left out, as it happens where `DistributedSampler` fills up or drops. `DeviceLoader` takes each
    rank's part itself: leave out `rank` and `world_size` there. In a `DataLoader` give them; the
    first ranks may have one sample more than the others, and so one batch more: train under torch's
    `Join`, or choose a batch size at which none has.

    Args:
        labels: the class of each sample, (n,), any integers: a tensor, an array, a sequence or a
            pandas series, whatever its index.
        seed: from 0; the same on all ranks.
        rank: of this process, from 0.
        world_size: number of processes.

    Raises:
        ValueError: the labels or a number are not as they must be.
    """

    def __init__(
        self,
        labels: Tensor | np.ndarray | Sequence[int],
        *,
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ):
        self.labels = _as_labels(labels)
        check_whole("seed", seed)
        check_whole("rank", rank)
        check_whole("world_size", world_size, rank + 1)
        self.seed, self.rank, self.world_size, self.epoch = seed, rank, world_size, 0
        counts = self.labels.unique(return_counts=True)[1]
        self._total = len(counts) * int(counts.max())

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch that the next iteration gives; without it each is the same.

        Raises:
            ValueError: the epoch is no integer from 0.
        """
        check_whole("epoch", epoch)
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of samples that this rank gives in an epoch."""
        return len(range(self.rank, self._total, self.world_size))

    def __iter__(self) -> Iterator[int]:
        indices = oversample_indices(self.labels, seed=self.seed, epoch=self.epoch)
        return iter(indices[self.rank :: self.world_size].tolist())


def _as_labels(labels) -> Tensor:
    return as_integers("labels", plain_values(labels), "the class of each sample").detach().cpu()


def _equal_indices(labels, size_of, seed: int, epoch: int) -> Tensor:
    labels = _as_labels(labels)
    check_whole("seed", seed)
    check_whole("epoch", epoch)
    # hashed, so that seed 1 at epoch 0 is not seed 0 at epoch 1
    mixed = np.random.SeedSequence((seed, epoch)).generate_state(1)
    generator = torch.Generator().manual_seed(int(mixed[0]))
    shuffled = torch.randperm(len(labels), generator=generator)
    in_order, order = labels[shuffled].sort(stable=True)
    by_class = shuffled[order]
    counts = in_order.unique_consecutive(return_counts=True)[1]
    firsts = counts.cumsum(0) - counts  # where each class begins in by_class
    turns = torch.arange(int(size_of(counts)))
    # round and round through each class, whose order was shuffled
    places = (firsts[:, None] + turns % counts[:, None]).flatten()
    # index_select: twice as fast as by_class[places]
    indices = by_class.index_select(0, places)
    return indices.index_select(0, torch.randperm(len(indices), generator=generator))
