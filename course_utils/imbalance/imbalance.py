"""Imbalance made from a balanced image set, and its correction in a model's logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from course_utils._validate import check_whole, shown
from course_utils.data.image_dataset import ImageDataset, plain_values


def class_counts(dataset: ImageDataset) -> Tensor:
    """Return how many images each class has: int64 (classes,), zero for a class with none."""
    return dataset.labels.cpu().bincount(minlength=len(dataset.class_names))


def class_weights(counts: Tensor | np.ndarray | Sequence[int]) -> Tensor:
    """Return the weights of a class-weighted loss: inversely proportional to the class counts.

    A weight is `n / (classes * count)`, so that the weights average to one over the n samples.

    Args:
        counts: samples of each class, (classes,): a tensor, an array (`np.bincount`), a sequence or
            a pandas series, whatever its index, in the order of the classes.

    Returns:
        float32 (classes,), as `torch.nn.functional.cross_entropy` takes them.

    Raises:
        ValueError: a class has no sample, so that its weight would be infinite, or the counts have
            another form.
    """
    counts = _checked_counts(counts)
    return counts.sum() / (len(counts) * counts.float())


def _checked_counts(counts: Tensor | np.ndarray | Sequence[int]) -> Tensor:
    """Return the samples of each class as a tensor (classes,), or raise a sentence."""
    try:
        counts = torch.as_tensor(plain_values(counts))
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"The counts are {shown(counts)}, no tensor ({str(error).partition(chr(10))[0]}): give "
            "the number of samples of each class."
        ) from error
    if counts.ndim != 1 or not len(counts):
        raise ValueError(
            f"The counts have the shape {tuple(counts.shape)}, but must be (classes,)."
        )
    bad = (~((counts > 0) & counts.isfinite())).nonzero()[:, 0].tolist()
    if bad:
        raise ValueError(
            f"The classes {bad} have {counts[bad].tolist()} samples, so that neither weight nor "
            "prior is known: leave them out, or collect at least 1 of each."
        )
    return counts


def step_imbalance(
    dataset: ImageDataset, *, largest: int, smallest: int, minority: Sequence[int], seed: int
) -> ImageDataset:
    """Draw a set with step imbalance: some classes keep few images, all others keep many.

    Buda, Maki and Mazurowski 2018 describe it by two numbers: the fraction of minority classes,
    and the ratio largest / smallest. The images keep their order.

    Args:
        dataset: what to draw from.
        largest: images of each majority class.
        smallest: images of each minority class.
        minority: positions of the minority classes in `dataset.class_names`.
        seed: of the draw; no global generator is touched.

    Raises:
        ValueError: a class has too few images, a size is below 1, or a class is unknown.
    """
    classes = range(len(dataset.class_names))
    unknown = [label for label in minority if label not in classes]
    if unknown:
        raise ValueError(
            f"The minority classes {unknown} are unknown: {dataset.name} has the classes 0 to "
            f"{len(classes) - 1}."
        )
    check_whole("largest", largest)
    check_whole("smallest", smallest)
    sizes = [smallest if label in minority else largest for label in classes]
    check_whole("seed", seed)
    labels = dataset.labels.cpu()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(int(seed)))
    chosen = []
    for label, size in enumerate(sizes):
        members = order[labels[order] == label]
        if not 1 <= size <= len(members):
            raise ValueError(
                f"Class {label} ({dataset.class_names[label]}) is to have {size} images, but "
                f"{dataset.name} has {len(members)} of it: ask for at least 1 and at most so many."
            )
        chosen.append(members[:size])
    return dataset.subset(torch.cat(chosen).sort().values)


def correct_prior(logits: Tensor, counts: Tensor | np.ndarray | Sequence[int]) -> Tensor:
    """Subtract the log of each class's fraction of the training set from the logits.

    By Bayes' rule, p(class | image) is proportional to p(image | class) * p(class). A net trained
    with cross-entropy learns the left side, so its logits contain log p(class) of the *training*
    set. Without it, all classes count alike: the prediction with the best balanced accuracy. This
    is the post-hoc logit adjustment of Menon et al., "Long-tail learning via logit adjustment",
    2021, at their default strength (tau = 1). Nothing is trained again.

    Not for a model trained with oversampling, undersampling or a weighted loss: these have taken
    the prior out already.

    Args:
        logits: floating point, (n, classes).
        counts: training samples of each class, (classes,), as in `class_weights`; only their
            proportions matter.

    Returns:
        Corrected logits, (n, classes), on the device of the logits.

    Raises:
        ValueError: the shapes do not fit, the logits are no floats, or a class has no training
            sample.
    """
    counts = _checked_counts(counts).cpu().double()
    if logits.ndim != 2 or counts.shape != logits.shape[1:]:
        raise ValueError(
            f"The logits have shape {tuple(logits.shape)} and the counts {tuple(counts.shape)}, "
            "but must be (n, classes) and (classes,)."
        )
    if not logits.is_floating_point():
        raise ValueError(f"The logits are {logits.dtype}, but must be floating point.")
    log_prior = (counts / counts.sum()).log()
    return logits - log_prior.to(device=logits.device, dtype=logits.dtype)
