"""A small generated set in CIFAR-10's files, to test their reading without a download."""

import pickle
from pathlib import Path
from unittest.mock import patch

import numpy as np
from torchvision.datasets import CIFAR10

from course_utils.data.datasets import load_cifar10

CLASS_NAMES = [f"class {number}" for number in range(10)]


def without_checksums():
    """Let torchvision read generated files, whose checksums nobody published, in a block."""
    return patch.multiple(
        CIFAR10,
        train_list=[[file, None] for file, _ in CIFAR10.train_list],
        test_list=[[file, None] for file, _ in CIFAR10.test_list],
        meta={**CIFAR10.meta, "md5": None},
    )


def load_generated_cifar10(folder):
    with without_checksums():
        return load_cifar10(folder)


def write_generated_cifar10(folder, *, num_train=500, num_test=100):
    """Write a folder `cifar-10-batches-py`: noise, and labels that are each of the ten in turn."""
    rng = np.random.default_rng(0)
    labels = np.arange(num_train + num_test) % len(CLASS_NAMES)
    images = rng.integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    parts = [*np.array_split(np.arange(num_train), len(CIFAR10.train_list))]
    parts.append(np.arange(num_train, num_train + num_test))
    place = Path(folder) / CIFAR10.base_folder
    place.mkdir(parents=True, exist_ok=True)
    for (file, _), part in zip(CIFAR10.train_list + CIFAR10.test_list, parts, strict=True):
        content = {"data": images[part], "labels": labels[part].tolist()}
        (place / file).write_bytes(pickle.dumps(content))
    names = {CIFAR10.meta["key"]: CLASS_NAMES}
    (place / CIFAR10.meta["filename"]).write_bytes(pickle.dumps(names))
