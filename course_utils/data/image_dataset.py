"""A data set of small labelled images in the one form that all lessons share."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from numbers import Real

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from course_utils._validate import as_integers, check_span, check_type, check_whole


@dataclass(frozen=True, eq=False, repr=False)
class ImageDataset(Dataset[tuple[Tensor, int]]):
    """Data set of small images in memory, with what it takes to normalise and to name them.

    `dataset[i]` is what a `DataLoader` wants: the normalised image, float32 (channels, height,
    width), and its label, an int. `DeviceLoader` makes the same images a batch at a time.

    Attributes:
        images: uint8, (n, channels, height, width), from 0 to 255.
        labels: int64, (n,), each the position of its class in `class_names`.
        class_names: one name a class.
        mean: one number a channel, in units of [0, 1], over the *training* images.
        std: the standard deviation, likewise.
        name: of the data set.

    Raises:
        IndexError: there is no such image.
        TypeError: images or labels are no tensor, or the index is no integer.
        ValueError: a part has another form, or the set is empty.
    """

    images: Tensor
    labels: Tensor
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    name: str

    def __post_init__(self):
        check_type("images", self.images, Tensor)
        check_type("labels", self.labels, Tensor)
        fault = self._fault()
        if fault:
            raise ValueError(f"{self.name or 'The data set'}: {fault}.")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        try:
            index = operator.index(index)
        except TypeError:
            words = f"The index is of type {type(index).__name__}, but must be an integer"
            raise TypeError(f"{words}: for several images use subset().") from None
        if not -len(self) <= index < len(self):
            raise IndexError(f"There is no image {index}: {self.name} has {len(self)}.")
        return self.normalised(self.images[index]), int(self.labels[index])

    def __repr__(self) -> str:
        channels, height, width = self.images.shape[1:]
        return (
            f"ImageDataset({self.name}: {len(self):,} images of {channels} x {height} x {width}, "
            f"{len(self.class_names)} classes)"
        )

    def subset(self, indices: Tensor | Sequence[int]) -> ImageDataset:
        """Return the images at these positions, in this order; a position may come repeatedly.

        Args:
            indices: integers from 0 to n - 1: a tensor, an array, a sequence or a pandas series.

        Raises:
            ValueError: there are none, they are no integers (a mask is none), or one is outside.
        """
        indices = as_integers("indices", plain_values(indices), "the position of each image")
        if indices.dtype == torch.bool:
            raise ValueError(
                "The indices are a mask (torch.bool): turn it into indices with "
                "mask.nonzero()[:, 0]."
            )
        words = f"{self.name} has {len(self)} images"
        check_span("The indices", indices, len(self), words)
        indices = indices.long().to(self.labels.device)
        return replace(self, images=self.images[indices], labels=self.labels[indices])

    def normalised(self, images: Tensor) -> Tensor:
        """Return images of this set, uint8 (..., channels, height, width), as float32."""
        scale, shift = self._normalisation
        return images.float().mul_(scale).add_(shift)

    @cached_property
    def _normalisation(self) -> tuple[Tensor, ...]:
        mean, std = np.array(self.mean), np.array(self.std)
        # (x / 255 - mean) / std as one product and one sum
        return tuple(
            torch.tensor(values, dtype=torch.float32, device=self.images.device).view(-1, 1, 1)
            for values in (1 / (255 * std), -mean / std)
        )

    def _fault(self) -> str | None:
        images, labels, classes = self.images, self.labels, len(self.class_names)
        if images.dtype != torch.uint8 or images.ndim != 4:
            form = f"{images.dtype} of shape {tuple(images.shape)}"
            return f"the images are {form}, but must be uint8 (n, channels, height, width)"
        if labels.dtype != torch.int64 or labels.shape != images.shape[:1]:
            form = f"{labels.dtype} of shape {tuple(labels.shape)}"
            return f"the labels are {form}, but must be int64 of shape ({len(images)},)"
        if images.numel() == 0:
            return "the set is empty, but must hold at least one image of at least one pixel"
        if images.device != labels.device:
            return f"the images are on {images.device}, but the labels on {labels.device}"
        low, high = int(labels.min()), int(labels.max())
        if low < 0 or high >= classes:
            span = f"go from {low} to {high}, but must go from 0 to {classes - 1}"
            return f"the labels {span}, one a class"
        numbers = all(isinstance(value, Real) for value in (*self.mean, *self.std))
        if not len(self.mean) == len(self.std) == images.shape[1] or not (
            numbers and np.isfinite((self.mean, self.std)).all() and min(self.std) > 0
        ):
            wanted = f"{images.shape[1]} finite numbers, one a channel, those of std positive"
            return f"mean is {self.mean} and std {self.std}, but each must have {wanted}"
        return None


def plain_values(values):
    """Return labels, counts or positions in a form of which PyTorch makes a tensor.

    Of what has `to_numpy`, as a pandas series of any index, these are the values in their order.
    PyTorch takes no array that runs backwards, and counts in no unsigned integers of 2 bytes on.
    """
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    if isinstance(values, np.ndarray):
        is_unsigned = values.dtype.kind == "u"
        return np.array(values, dtype=np.int64 if is_unsigned else None, order="C")
    if isinstance(values, Tensor) and values.dtype in (torch.uint16, torch.uint32, torch.uint64):
        return values.long()
    return values


def pool_images(dataset: ImageDataset, factor: int) -> ImageDataset:
    """Shrink the images by average pooling, for lessons that have seconds instead of minutes.

    `mean` and `std` stay those of the full-size training images, so that a training and a test set
    pooled alike are normalised alike.

    Args:
        dataset: height and width must be multiples of the factor.
        factor: how many pixels of a row, and of a column, become one; the mean is rounded half up.

    Raises:
        ValueError: the factor does not divide height and width.
    """
    height, width = dataset.images.shape[2:]
    check_whole("factor", factor, 1)
    if height % factor or width % factor:
        raise ValueError(
            f"factor is {factor}, but must divide the images' height and width "
            f"({height} x {width})."
        )
    parts = dataset.images.split(1000)  # a float copy of the whole would take four times its size
    pooled = torch.cat([(F.avg_pool2d(part.float(), factor) + 0.5).byte() for part in parts])
    name = f"{dataset.name} pooled to {height // factor} x {width // factor}"
    return replace(dataset, images=pooled, name=name)


def split_images(
    dataset: ImageDataset, sizes: Sequence[int], seed: int
) -> tuple[ImageDataset, ...]:
    """Draw disjoint random parts, each with the classes in the proportions of the whole.

    The draw is stratified: with a few classes, each is within one image of its fraction in every
    part. Images keep their order within a part. What the sizes leave over is in no part.

    Args:
        dataset: what to draw from.
        sizes: the number of images of each part.
        seed: the same seed, sizes and set give the same parts; no global generator is touched.

    Raises:
        TypeError: the sizes are no sequence.
        ValueError: a size is no positive integer, together they exceed the set, or the seed is no
            integer from 0.
    """
    check_type("sizes", sizes, Sequence)
    for size in sizes:
        check_whole("A size", size, 1)
    check_whole("seed", seed)
    if sum(sizes) > len(dataset):
        raise ValueError(
            f"The sizes {tuple(sizes)} add up to {sum(sizes)}, but {dataset.name} has only "
            f"{len(dataset)} images: ask for fewer."
        )
    generator = torch.Generator().manual_seed(int(seed))
    labels = dataset.labels.cpu()
    shuffled = torch.randperm(len(labels), generator=generator)
    # Spread each class evenly over [0, 1): any stretch of that line is then stratified.
    place = torch.empty(len(labels), dtype=torch.float64)
    for label in labels.unique():
        members = shuffled[labels[shuffled] == label]
        place[members] = (torch.arange(len(members), dtype=torch.float64) + 0.5) / len(members)
    order = shuffled[place[shuffled].argsort(stable=True)]
    parts = order[: sum(sizes)].split([int(size) for size in sizes])
    return tuple(dataset.subset(part.sort().values) for part in parts)


def channel_statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel, in units of [0, 1], exactly.

    Args:
        images: uint8, (n, channels, height, width).
    """
    levels = torch.arange(256, dtype=torch.float64) / 255
    means, stds = [], []
    for channel in range(images.shape[1]):
        # Counting the 256 levels needs no float copy of the images, and loses no digit.
        counts = torch.bincount(images[:, channel].flatten(), minlength=256).cpu()
        weights = counts / counts.sum(dtype=torch.float64)
        mean = (weights * levels).sum()
        means.append(mean.item())
        stds.append((weights * (levels - mean).square()).sum().sqrt().item())
    return tuple(means), tuple(stds)


def train_and_test(
    images: Tensor,
    labels: Tensor,
    test_images: Tensor,
    test_labels: Tensor,
    class_names: Sequence[str],
    name: str,
) -> tuple[ImageDataset, ImageDataset]:
    """Return both sets of a data set, each with the mean and std of the training images."""
    mean, std = channel_statistics(images)
    rest = (tuple(class_names), mean, std, name)
    return (
        ImageDataset(images, labels.long(), *rest),
        ImageDataset(test_images, test_labels.long(), *rest),
    )
