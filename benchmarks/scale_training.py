"""Core functions of `course_utils` around labels, curves and training, each as a task of any size.

A task is a function of the size that prepares the input and returns what is timed. It runs in an
empty working directory.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.data.device_loader import Augment, DeviceLoader
from course_utils.data.image_dataset import ImageDataset, channel_statistics, split_images
from course_utils.imbalance.class_metrics import balanced_accuracy
from course_utils.imbalance.imbalance import correct_prior
from course_utils.imbalance.sampling import oversample_indices, undersample_indices
from course_utils.lr.curve import LRCurve, largest_usable_lr
from course_utils.lr.finder import find_lr
from course_utils.lr.schedules import OneCycleCurve
from course_utils.lr.smoothing import smooth, smooth_centred
from course_utils.teaching import progress
from course_utils.teaching.compare_values import first_difference
from course_utils.training.checkpoint import load_checkpoint, save_checkpoint
from course_utils.training.evaluate import evaluate
from course_utils.training.loop import fit

Task = Callable[[int], Callable[[], object]]


def on_labels(function) -> Task:
    return lambda size: partial(function, _labels(size))


def on_logits(function) -> Task:
    def prepare(size: int):
        logits, labels = torch.randn(size, 10), _labels(size)
        return lambda: function(logits, labels)

    return prepare


def on_curve(function) -> Task:
    def prepare(size: int):
        lrs = np.geomspace(1e-6, 10, size)
        losses = (
            2.3
            - np.exp(-((np.log10(lrs) + 1) ** 2))
            + 0.01 * np.random.default_rng(0).normal(size=size)
        )
        curve = LRCurve(tuple(lrs), tuple(losses), tuple(smooth(losses, 0.98)), 0.98, "end")
        return lambda: function(curve)

    return prepare


def on_images(function) -> Task:
    def prepare(size: int):
        images = torch.randint(256, (size, 1, 14, 14), dtype=torch.uint8)
        names = tuple(map(str, range(10)))
        image_set = ImageDataset(images, _labels(size), names, (0.5,), (0.3,), "random")
        return lambda: function(image_set)

    return prepare


def epoch_of_batches(image_set: ImageDataset) -> None:
    for _ in DeviceLoader(image_set, batch_size=128, shuffle=True, augment=Augment()):
        pass


def train_steps(size: int):
    model = nn.Linear(1, 1)
    batches = [(torch.ones(1, 1), torch.ones(1, 1))] * size
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return lambda: fit(model, optimizer, batches, epochs=1, loss_function=F.mse_loss)


def sweep_steps(size: int):
    model = nn.Linear(1, 1)
    batches = [(torch.ones(1, 1), torch.ones(1, 1))]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    settings = {"loss_function": F.mse_loss, "max_lr": 0.1, "steps": size}
    return lambda: find_lr(model, optimizer, batches, **settings)


def evaluate_batches(size: int):
    model, batches = nn.Linear(1, 2), [(torch.ones(1, 1), torch.zeros(1, dtype=torch.long))] * size
    return lambda: evaluate(model, batches)


def checkpoint(size: int):
    """Save so many numbers and load them."""
    path, state = Path("checkpoint.pt"), {"weights": torch.randn(size)}

    def run():
        save_checkpoint(path, state)
        return load_checkpoint(path)

    return run


def compare_lists(size: int):
    values = list(map(float, range(size)))
    return lambda: first_difference(values, list(values))


def record_progress(size: int):
    """Write one entry into a file that holds so many."""
    entries = {str(number): True for number in range(size)}
    progress.progress_path().write_text(json.dumps({"01": {"quiz": entries}}))
    return lambda: progress.record("02", "quiz", "1", True)


def _labels(size: int) -> torch.Tensor:
    return torch.arange(size) % 10


LABELS = (1000, 10_000, 100_000, 1_000_000)
STEPS = (100, 1000, 10_000, 100_000)
IMAGES = (100, 1000, 10_000, 100_000)

# name -> (task, what the size counts, sizes)
TASKS = {
    "oversample_indices": (on_labels(oversample_indices), "labels", LABELS),
    "undersample_indices": (on_labels(undersample_indices), "labels", LABELS),
    "balanced_accuracy": (on_logits(balanced_accuracy), "samples", LABELS),
    "correct_prior": (
        on_logits(lambda logits, labels: correct_prior(logits, labels.bincount())),
        "samples",
        LABELS,
    ),
    "smooth": (on_curve(lambda curve: smooth(curve.losses, 0.98)), "steps", STEPS),
    "smooth_centred": (on_curve(lambda curve: smooth_centred(curve.losses, 0.98)), "steps", STEPS),
    "LRCurve.suggestion": (on_curve(LRCurve.suggestion), "steps", STEPS),
    "largest_usable_lr": (on_curve(largest_usable_lr), "steps", STEPS),
    "OneCycleCurve.preview": (
        lambda size: OneCycleCurve.gugger(size, 0.8).preview,
        "steps",
        STEPS,
    ),
    "find_lr": (sweep_steps, "steps", (10, 100, 1000, 10_000)),
    "fit": (train_steps, "steps", (10, 100, 1000, 10_000)),
    "evaluate": (evaluate_batches, "batches", (10, 100, 1000, 10_000)),
    "save and load a checkpoint": (checkpoint, "numbers", (10_000, 100_000, 1_000_000, 10_000_000)),
    "first_difference": (compare_lists, "values", STEPS),
    "an epoch of DeviceLoader": (on_images(epoch_of_batches), "images", IMAGES),
    "channel_statistics": (
        on_images(lambda image_set: channel_statistics(image_set.images)),
        "images",
        IMAGES,
    ),
    "split_images": (
        on_images(lambda image_set: split_images(image_set, (len(image_set) // 2,), 0)),
        "images",
        IMAGES,
    ),
    "progress.record": (record_progress, "entries in the file", (30, 300, 3000, 30_000)),
}
