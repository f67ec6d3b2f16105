"""A labelled set of small images in the one form that all lessons share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils._validate import as_integers, check_span, check_type, check_whole


@dataclass(frozen=True, eq=False, repr=False)
class ImageDataset:
    """Images with their labels, and what it takes to normalise and to name them.

    Attributes:
        images: uint8, (n, channels, height, width), from 0 to 255.
        labels: int64, (n,), each the position of its class in `class_names`.
        class_names: one name a class.
        mean: one number a channel, in units of [0, 1], over the *training* images.
        std: the standard deviation, likewise.
        name: of the data set.

    Raises:
        TypeError: images or labels are no tensor.
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
            raise ValueError(f"{self.name or 'The image set'}: {fault}.")

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        channels, height, width = self.images.shape[1:]
        return (
            f"ImageDataset({self.name}: {len(self):,} images of {channels} x {height} x {width}, "
            f"{len(self.class_names)} classes)"
        )

    def subset(self, indices: Tensor | Sequence[int]) -> ImageDataset:
        """Return the images at these positions, in this order; a position may come repeatedly.

        Args:
            indices: integers from 0 to n - 1: a tensor, an array or a sequence.

        Raises:
            ValueError: there are none, they are no integers (a mask is none), or one is outside.
        """
        indices = as_integers("indices", indices, "the position of each image")
        if indices.dtype == torch.bool:
            raise ValueError(
                "The indices are a mask (torch.bool): turn it into indices with "
                "mask.nonzero()[:, 0]."
            )
        words = f"{self.name} has {len(self)} images"
        check_span("The indices", indices, len(self), words)
        indices = indices.long().to(self.labels.device)
        return replace(self, images=self.images[indices], labels=self.labels[indices])

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
        if int(labels.min()) < 0 or int(labels.max()) >= classes:
            span = f"{int(labels.min())} to {int(labels.max())}"
            return f"the labels go from {span}, but must go from 0 to {classes - 1}, one a class"
        if not len(self.mean) == len(self.std) == images.shape[1]:
            lengths = f"{len(self.mean)} and {len(self.std)} numbers"
            return f"mean and std have {lengths}, but must have one a channel ({images.shape[1]})"
        numbers = all(isinstance(value, Real) for value in (*self.mean, *self.std))
        if not (numbers and np.isfinite((self.mean, self.std)).all() and min(self.std) > 0):
            return f"mean {self.mean} and std {self.std} must be finite, and std positive"
        return None


def pool_images(image_set: ImageDataset, factor: int) -> ImageDataset:
    """Shrink the images by average pooling, for lessons that have seconds instead of minutes.

    `mean` and `std` stay those of the full-size training images, so that a training and a test set
    pooled alike are normalised alike.

    Args:
        image_set: height and width must be multiples of the factor.
        factor: how many pixels of a row, and of a column, become one; the mean is rounded half up.

    Raises:
        ValueError: the factor does not divide height and width.
    """
    height, width = image_set.images.shape[2:]
    check_whole("factor", factor, 1)
    if height % factor or width % factor:
        raise ValueError(
            f"factor is {factor}, but must divide the images' height and width "
            f"({height} x {width})."
        )
    parts = image_set.images.split(1000)  # a float copy of the whole would take four times its size
    pooled = torch.cat([(F.avg_pool2d(part.float(), factor) + 0.5).byte() for part in parts])
    name = f"{image_set.name} pooled to {height // factor} x {width // factor}"
    return replace(image_set, images=pooled, name=name)


def split_images(
    image_set: ImageDataset, sizes: tuple[int, ...], seed: int
) -> tuple[ImageDataset, ...]:
    """Draw disjoint random parts, each with the classes in the proportions of the whole.

    The draw is stratified: with a few classes, each is within one image of its share in every
    part. Images keep their order within a part. What the sizes leave over is in no part.

    Args:
        image_set: what to draw from.
        sizes: the number of images of each part.
        seed: the same seed, sizes and set give the same parts; no global generator is touched.

    Raises:
        TypeError: the sizes are no sequence.
        ValueError: there is no size, one is no positive integer, or together they exceed the set;
            or the seed is no integer from 0.
    """
    check_type("sizes", sizes, Sequence)
    if not sizes:
        raise ValueError("There are no sizes: give one a part.")
    for size in sizes:
        check_whole("A size", size, 1)
    check_whole("seed", seed)
    if sum(sizes) > len(image_set):
        raise ValueError(
            f"The sizes {tuple(sizes)} add up to {sum(sizes)}, but {image_set.name} has only "
            f"{len(image_set)} images: ask for fewer."
        )
    generator = torch.Generator().manual_seed(seed)
    labels = image_set.labels.cpu()
    shuffled = torch.randperm(len(labels), generator=generator)
    # Spread each class evenly over [0, 1): any stretch of that line is then stratified.
    place = torch.empty(len(labels), dtype=torch.float64)
    for label in labels.unique():
        members = shuffled[labels[shuffled] == label]
        place[members] = (torch.arange(len(members), dtype=torch.float64) + 0.5) / len(members)
    order = shuffled[place[shuffled].argsort(stable=True)]
    parts = order[: sum(sizes)].split(list(sizes))
    return tuple(image_set.subset(part.sort().values) for part in parts)


def channel_statistics(images: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel, in units of [0, 1], exactly.

    Args:
        images: uint8, (n, channels, height, width).

    Raises:
        ValueError: the images have another form, or there is none.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or not images.numel():
        raise ValueError(
            f"The images are {images.dtype} of shape {tuple(images.shape)}, but must be uint8 "
            "(n, channels, height, width), at least one image."
        )
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
    """Return both sets of a data set, each with the mean and std of the training images.

    Raises:
        ValueError: as `channel_statistics` and `ImageDataset`.
    """
    mean, std = channel_statistics(images)
    rest = (tuple(class_names), mean, std, name)
    return (
        ImageDataset(images, labels.long(), *rest),
        ImageDataset(test_images, test_labels.long(), *rest),
    )
