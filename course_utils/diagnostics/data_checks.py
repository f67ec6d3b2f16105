"""Checks of the data: values, labels, and whether labels say something about their images."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from course_utils.diagnostics.finding import Finding
from course_utils.diagnostics.step_checks import Step
from course_utils.training.preserve_state import eval_mode

LARGEST_INPUT = 20.0  # standard deviations; pixels of 0 to 255 go far beyond
SMALLEST_IMAGE = 8  # pixels; below, neighbours say little
FEWEST = 300  # samples, from which "better than guessing" can be told
EPOCHS = 10
BATCH_SIZE = 64


def check_batch(model: nn.Module, images: Tensor, labels: Tensor, classes: int) -> list[Finding]:
    """Check the values of one batch.

    Args:
        model: the network; its forward pass runs once, to see what its first layer is given.
        images: (n, ...); only four-dimensional ones are judged as pictures.
        labels: (n,), integers.
        classes: number of classes, which is the width of the model's output.
    """
    if not images.isfinite().all():
        count = int((~images.isfinite()).sum())
        return [Finding("values", f"{count} input values are NaN or infinite: clean the data.")]
    return [*_check_values(model, images), *_check_labels(labels, classes), *_check_image(images)]


def check_loader(loader, samples: int) -> list[Finding]:
    """Say whether an image comes with the same label each time that the loader is gone through.

    Images that are changed at random (augmented) do not come twice, and so say nothing.
    """
    first, second = ({image: label for image, label in _pairs(loader, samples)} for _ in range(2))
    twice = first.keys() & second.keys()
    changed = sum(first[image] != second[image] for image in twice)
    if not changed:
        return []
    words = (
        f"{changed} of {len(twice)} images came with another label in the loader's second pass: "
        "the labels are drawn or shuffled anew, apart from their images; index both alike."
    )
    return [Finding("same label each time", words)]


def _pairs(loader, samples: int):
    left = samples
    for images, labels in loader:
        for image, label in zip(images.cpu(), labels.cpu(), strict=True):
            if left == 0:
                return
            left -= 1
            yield image.numpy().tobytes(), int(label)


def _check_values(model: nn.Module, images: Tensor) -> list[Finding]:
    seen = first_input(model, images)
    largest = float(seen.abs().max())
    if largest > LARGEST_INPUT:
        words = (
            f"the first layer is given values up to {largest:.0f}: raw pixels? Scale them, to mean "
            "0 and standard deviation 1."
        )
        return [Finding("values", words)]
    if float(seen.std()) < 1e-3:
        words = (
            f"the inputs hardly differ (standard deviation {float(seen.std()):.1g}): scaled twice, "
            "or the same image all over?"
        )
        return [Finding("values", words)]
    return []


def first_input(model: nn.Module, images: Tensor) -> Tensor:
    """Return what the model's first linear or convolutional layer is given, in training mode.

    A model that normalises its input by itself is thus judged by what it makes of it. Without such
    a layer, the images themselves are returned.
    """
    layers = [m for m in model.modules() if isinstance(m, nn.Linear | nn.modules.conv._ConvNd)]
    seen = []
    hooks = [m.register_forward_pre_hook(lambda _, args: seen.append(args[0])) for m in layers]
    try:
        with torch.no_grad():
            model(images)
    finally:
        for hook in hooks:
            hook.remove()
    return seen[0] if seen else images


def _check_labels(labels: Tensor, classes: int) -> list[Finding]:
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= classes:
        words = (
            f"the labels go from {low} to {high}, but the model has {classes} outputs, for 0 to "
            f"{classes - 1}: number the classes from 0, or widen the last layer."
        )
        return [Finding("labels", words)]
    if low == high and len(labels) >= 16:
        words = (
            f"all {len(labels)} labels are {low}: is the data sorted by class, and not shuffled?"
        )
        return [Finding("labels", words)]
    return []


def _check_image(images: Tensor) -> list[Finding]:
    if images.ndim != 4 or min(images.shape[-2:]) < SMALLEST_IMAGE:
        return []
    images = images.float()
    findings = []
    roughness = _roughness(images)
    if roughness > 0.8:
        words = (
            f"neighbouring pixels differ {roughness:.0%} as much as pixels of random places: the "
            "pixels are scrambled (a wrong reshape?); draw a batch and look."
        )
        findings.append(Finding("picture", words))
    for axis, line in ((-1, "row"), (-2, "column")):
        spread = images.std().clamp(min=1e-12)
        if float(images.mean(axis).abs().max() / spread) < 1e-3:
            words = (
                f"every {line} of every image has mean 0: normalised along the wrong axis; take "
                "one mean and one standard deviation a channel, over all images."
            )
            findings.append(Finding("picture", words))
    return findings


def _roughness(images: Tensor) -> float:
    """Compare the differences of neighbours with those of random pairs of the same image: 0 to 1.

    A photograph has about a third, noise has 1.
    """
    near = (images[..., 1:] - images[..., :-1]).abs().mean()
    pixels = images.flatten(2)
    generator = torch.Generator().manual_seed(0)
    places = torch.randperm(pixels.shape[-1], generator=generator).to(images.device)
    far = (pixels - pixels[..., places]).abs().mean()
    return float(near / far.clamp(min=1e-12))


def check_meaning(model: nn.Module, step: Step, images: Tensor, labels: Tensor) -> list[Finding]:
    """Train a little on three quarters of the samples, and test on the rest.

    A net learns shuffled labels by heart as easily as right ones (Zhang et al., "Understanding deep
    learning requires rethinking generalization", 2017): only unseen samples tell them apart. The
    caller keeps and restores the state, and gives `FEWEST` samples or more.
    """
    count = len(labels) // 4
    seen = torch.arange(count, len(labels), device=labels.device)
    generator = torch.Generator().manual_seed(0)
    for _ in range(EPOCHS):
        order = torch.randperm(len(seen), generator=generator).to(labels.device)
        for part in seen[order].split(BATCH_SIZE):
            step((images[part], labels[part]))
    with eval_mode(model):
        right = fraction_right(model, images[:count], labels[:count])
    guess = float(labels.bincount().max()) / len(labels)
    if right > guess + 4 * math.sqrt(guess * (1 - guess) / count):
        return []
    words = (
        f"trained on {len(seen)} samples, the model gets {right:.0%} of {count} others right, and "
        f"guessing gets {guess:.0%}: labels and images do not belong together (shuffled, "
        "or moved against each other)."
    )
    return [Finding("labels mean something", words)]


@torch.no_grad()
def fraction_right(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Return the fraction of samples whose largest output is that of their label, 0 to 1.

    Args:
        model: maps images (n, ...) to outputs (n, classes), in the mode that it is in.
        images: (n, ...), on the model's device.
        labels: (n,), integers.
    """
    return float((model(images).argmax(1) == labels).float().mean())
