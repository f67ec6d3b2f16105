"""What several lessons share: their images, and the accuracy after a training."""

from __future__ import annotations

import torch
from torch import nn

from course_utils.data import (
    Augment,
    DeviceLoader,
    ImageDataset,
    load_images,
    pool_images,
    split_images,
)
from course_utils.training import NonFiniteLoss, evaluate, fit


def load_split(
    pool: int, sizes: tuple[int, int]
) -> tuple[ImageDataset, ImageDataset, ImageDataset]:
    """Load training, validation and test images; the first two are disjoint.

    Args:
        pool: factor by which the images are shrunk.
        sizes: how many images to train on, and how many to validate on.
    """
    train, test = load_images()
    train, valid = split_images(train, sizes, seed=0)
    if pool > 1:
        train, valid, test = (pool_images(part, pool) for part in (train, valid, test))
    return train, valid, test


def training_loader(
    images: ImageDataset,
    batch_size: int,
    seed: int,
    device: torch.device,
    augment: Augment | None = None,
) -> DeviceLoader:
    """Make batches of one size, in an order that the seed decides."""
    return DeviceLoader(
        images,
        batch_size=batch_size,
        device=device,
        shuffle=True,
        augment=augment,
        drop_last=True,
        seed=seed,
    )


def accuracy_after(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loader: DeviceLoader,
    measured: DeviceLoader,
    **settings,
) -> float:
    """Train by `fit` with these settings, and measure.

    Returns:
        Accuracy on `measured` in %; that of guessing where the loss became infinite or NaN.
    """
    try:
        fit(model, optimizer, loader, **settings)
    except NonFiniteLoss:
        return 100 / len(loader.dataset.class_names)
    return 100 * evaluate(model, measured)[1]
