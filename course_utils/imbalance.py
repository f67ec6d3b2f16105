"""Imbalance made from a balanced image set, and the numbers that describe it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.image_set import ImageSet
from course_utils.limits import check_whole


def class_counts(images: ImageSet) -> Tensor:
    """Return how many images each class has: int64 (classes,), zero for a class with none."""
    return images.labels.cpu().bincount(minlength=len(images.class_names))


def class_weights(counts: Tensor) -> Tensor:
    """Return the weights of a class-weighted loss: inversely proportional to the class counts.

    A weight is `n / (classes * count)`, so that the weights average to one over the n samples.

    Args:
        counts: samples of each class, (classes,).

    Returns:
        float32 (classes,), as `torch.nn.functional.cross_entropy` takes them.

    Raises:
        ValueError: a class has no sample, so that its weight would be infinite, or the counts have
            another form.
    """
    if counts.ndim != 1 or not len(counts):
        raise ValueError(
            f"The counts have the shape {tuple(counts.shape)}, but must be (classes,)."
        )
    empty = (~(counts > 0)).nonzero()[:, 0].tolist()  # NaN included
    if empty:
        raise ValueError(
            f"The classes {empty} have no sample, but {counts[empty].tolist()}, so that their "
            "weight would be infinite: leave them out, or collect at least 1 of each."
        )
    return counts.sum() / (len(counts) * counts.float())


def step_imbalance(
    images: ImageSet, *, largest: int, smallest: int, minority: Sequence[int], seed: int
) -> ImageSet:
    """Draw a set with step imbalance: some classes keep few images, all others keep many.

    Buda, Maki and Mazurowski 2018 describe it by two numbers: the share of minority classes, and
    the ratio largest / smallest.

    Args:
        images: what to draw from.
        largest: images of each majority class.
        smallest: images of each minority class.
        minority: positions of the minority classes in `images.class_names`.
        seed: of the draw; no global generator is touched.

    Raises:
        ValueError: a class has too few images, a size is below 1, or a class is unknown.
    """
    classes = range(len(images.class_names))
    unknown = [label for label in minority if label not in classes]
    if unknown:
        raise ValueError(
            f"The minority classes {unknown} are unknown: {images.name} has the classes 0 to "
            f"{len(classes) - 1}."
        )
    check_whole("largest", largest)
    check_whole("smallest", smallest)
    sizes = [smallest if label in minority else largest for label in classes]
    return _draw(images, sizes, seed)


def linear_imbalance(images: ImageSet, *, largest: int, smallest: int, seed: int) -> ImageSet:
    """Draw a set whose class sizes rise in equal steps from the first class to the last.

    Linear imbalance of Buda, Maki and Mazurowski 2018, described by the ratio largest / smallest.

    Args:
        images: what to draw from.
        largest: images of the last class.
        smallest: images of the first class.
        seed: of the draw; no global generator is touched.

    Raises:
        ValueError: a class has too few images, or a size is below 1.
    """
    check_whole("largest", largest)
    check_whole("smallest", smallest)
    sizes = torch.linspace(smallest, largest, len(images.class_names)).round().long().tolist()
    return _draw(images, sizes, seed)


def _draw(images: ImageSet, sizes: Sequence[int], seed: int) -> ImageSet:
    """Draw so many images of each class at random; they keep their order."""
    check_whole("seed", seed)
    labels = images.labels.cpu()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    chosen = []
    for label, size in enumerate(sizes):
        members = order[labels[order] == label]
        if not 1 <= size <= len(members):
            raise ValueError(
                f"Class {label} ({images.class_names[label]}) is to have {size} images, but "
                f"{images.name} has {len(members)} of it: ask for at least 1 and at most so many."
            )
        chosen.append(members[:size])
    return images.subset(torch.cat(chosen).sort().values)
