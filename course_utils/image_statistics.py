"""Mean and standard deviation of a set's images, and the two sets that share them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.image_set import ImageSet


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
) -> tuple[ImageSet, ImageSet]:
    """Return both sets of a data set, each with the mean and std of the training images.

    Raises:
        ValueError: as `channel_statistics` and `ImageSet`.
    """
    mean, std = channel_statistics(images)
    rest = (tuple(class_names), mean, std, name)
    return (
        ImageSet(images, labels.long(), *rest),
        ImageSet(test_images, test_labels.long(), *rest),
    )
