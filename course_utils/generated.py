"""A small generated set in CIFAR-10's files, to try the full profile's code without a download."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
from torchvision.datasets import CIFAR10

from course_utils.cifar10 import read_cifar10
from course_utils.files import atomic_write
from course_utils.image_set import ImageSet
from course_utils.limits import check_whole
from course_utils.settings import data_folder

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


class GeneratedCIFAR10(CIFAR10):
    """torchvision's CIFAR-10 on generated files, whose checksums nobody published."""

    train_list = [[file, None] for file, _ in CIFAR10.train_list]
    test_list = [[file, None] for file, _ in CIFAR10.test_list]
    meta = {**CIFAR10.meta, "md5": None}


def load_generated_cifar10(folder: str | Path | None = None) -> tuple[ImageSet, ImageSet]:
    """Load what `write_generated_cifar10` wrote. For the smoke profile: its images mean nothing.

    Args:
        folder: by default `COURSE_DATA`, else the course's `data`.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged.
    """
    folder = data_folder() if folder is None else Path(folder)
    remedy = f"write the set with write_generated_cifar10({str(folder)!r}) of course_utils"
    name = "generated (CIFAR-10-shaped)"
    return read_cifar10(GeneratedCIFAR10, folder, name=name, remedy=remedy)


def write_generated_cifar10(
    folder: str | Path, *, num_train: int = 500, num_test: int = 100, seed: int = 0
) -> None:
    """Write a folder `cifar-10-batches-py` of generated images, which a net can learn.

    Each class is a coarse pattern of its own under noise.

    Args:
        folder: where to write it; existing files are replaced.
        num_train: images over the five training files, at least one each.
        num_test: images in the test file.
        seed: the same seed writes the same files.

    Raises:
        ValueError: there are too few images, or the seed is no integer from 0.
    """
    check_whole("num_train", num_train, len(CIFAR10.train_list))
    check_whole("num_test", num_test, 1)
    check_whole("seed", seed)
    rng = np.random.default_rng(seed)
    labels = np.arange(num_train + num_test) % len(CLASS_NAMES)
    rng.shuffle(labels)
    coarse = rng.integers(0, 192, (len(CLASS_NAMES), 3, 4, 4), dtype=np.uint8)
    patterns = coarse.repeat(8, axis=2).repeat(8, axis=3).reshape(len(CLASS_NAMES), -1)
    images = patterns[labels] + rng.integers(0, 64, (len(labels), 3072), dtype=np.uint8)
    parts = [*np.array_split(np.arange(num_train), len(CIFAR10.train_list))]
    parts.append(np.arange(num_train, num_train + num_test))
    place = Path(folder) / CIFAR10.base_folder
    for (file, _), part in zip(CIFAR10.train_list + CIFAR10.test_list, parts, strict=True):
        _write_pickle(place / file, {"data": images[part], "labels": labels[part].tolist()})
    _write_pickle(place / CIFAR10.meta["filename"], {CIFAR10.meta["key"]: list(CLASS_NAMES)})


def _write_pickle(path: Path, content: dict) -> None:
    with atomic_write(path) as file:
        pickle.dump(content, file)
