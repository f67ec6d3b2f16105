"""The course's data sets: which one a profile trains on, and Fashion-MNIST, which is embedded."""

from __future__ import annotations

import hashlib
import math
import zlib
from pathlib import Path

import torch
from torch import Tensor

from course_utils.cifar10 import load_cifar10
from course_utils.image_set import ImageSet
from course_utils.image_statistics import train_and_test
from course_utils.settings import EMBEDDED, PROFILES, data_folder, profile

# Of the uncompressed content: the gzip wrapper around it differs from mirror to mirror.
FASHION_MNIST_SHA256 = {
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
}
FASHION_MNIST_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load_images(name: str | None = None) -> tuple[ImageSet, ImageSet]:
    """Load the training and the test set of a profile, in one form, whichever data it trains on.

    Args:
        name: "quick" (Fashion-MNIST), "full" (CIFAR-10) or "smoke" (a generated set in the place
            of CIFAR-10, which the tests write); by default the profile that runs.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: there is no such profile, or a file is damaged.
    """
    name = profile() if name is None else name
    if name not in PROFILES:
        raise ValueError(f"The profile is {name!r}, but must be one of {', '.join(PROFILES)}.")
    if name == "smoke":
        from course_utils.generated import load_generated_cifar10

        return load_generated_cifar10()
    return load_cifar10() if name == "full" else load_fashion_mnist()


def load_fashion_mnist(folder: str | Path | None = None) -> tuple[ImageSet, ImageSet]:
    """Load the 60,000 training and 10,000 test images of Fashion-MNIST, 1 x 28 x 28.

    Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking
    machine learning algorithms", 2017.

    Args:
        folder: the folder that holds `fashion-mnist`; by default `COURSE_DATA` where that holds
            it, else the one that comes with the course.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged.
    """
    if folder is None:
        has_none = not (data_folder() / "fashion-mnist").is_dir()
        folder = EMBEDDED if has_none and EMBEDDED.is_dir() else data_folder()
    labels, test_labels, images, test_images = (
        _read_idx(Path(folder) / "fashion-mnist" / f"{file}.gz", sha256)
        for file, sha256 in FASHION_MNIST_SHA256.items()
    )
    return train_and_test(
        images, labels, test_images, test_labels, FASHION_MNIST_CLASSES, "Fashion-MNIST"
    )


def _read_idx(path: Path, sha256: str) -> Tensor:
    """Return what a gzipped idx file holds: images (n, 1, height, width) or labels (n,)."""
    remedy = (
        "restore it with `git checkout -- data/fashion-mnist` in the course's repository, or set "
        "COURSE_DATA to a folder that holds a whole `fashion-mnist`"
    )
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: {remedy}.")
    try:
        content = bytearray(zlib.decompress(path.read_bytes(), wbits=31))  # 31: gzip's format
        values = _parse_idx(content)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError("its checksum is wrong")
    except (ValueError, zlib.error) as error:
        raise ValueError(f"{path} is damaged ({error}): {remedy}.") from error
    return values.unsqueeze(1) if values.ndim == 3 else values


def _parse_idx(content: bytearray) -> Tensor:
    """Return the array in an idx file: its type, its number of dimensions, their sizes, its data.

    The array shares the memory of `content`.
    """
    dimensions = content[3] if len(content) > 3 and content[:3] == b"\0\0\x08" else 0
    start = 4 + 4 * dimensions
    if not dimensions or len(content) < start:
        raise ValueError("it does not begin as an idx file of bytes does")
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    if math.prod(shape) != len(content) - start:
        raise ValueError(f"its header promises {shape} bytes, but {len(content) - start} follow")
    return torch.frombuffer(content, dtype=torch.uint8)[start:].view(shape)
