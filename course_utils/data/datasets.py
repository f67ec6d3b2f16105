"""The course's data sets: Fashion-MNIST, which is embedded, and CIFAR-10, fetched at most once."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from course_utils.data.image_dataset import ImageDataset, train_and_test
from course_utils.profiles import EMBEDDED, PROFILES, data_folder, profile

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

TIMEOUT = 30  # seconds: behind a firewall that drops packets, the system waits for minutes
# What torchvision's downloads raise: no network, a wrong checksum, an answer that is no HTTP.
DOWNLOAD_ERRORS = (OSError, RuntimeError, HTTPException)


def load_images(name: str | None = None) -> tuple[ImageDataset, ImageDataset]:
    """Load the training and the test set of a profile, in one form, whichever data it trains on.

    Args:
        name: "quick" (Fashion-MNIST), "full" (CIFAR-10) or "smoke" (a generated set in the place
            of CIFAR-10); by default the profile that runs.

    Raises:
        FileNotFoundError: a file is missing, or cannot be downloaded.
        ValueError: there is no such profile, or a file is damaged.
    """
    name = profile() if name is None else name
    if name not in PROFILES:
        raise ValueError(f"The profile is {name!r}, but must be one of {', '.join(PROFILES)}.")
    if name == "smoke":
        return _patterns()
    return load_cifar10() if name == "full" else load_fashion_mnist()


def _patterns() -> tuple[ImageDataset, ImageDataset]:
    """Make a set of CIFAR-10's form that a net can learn: a coarse pattern a class, under noise."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(200) % 10
    coarse = torch.randint(192, (10, 3, 4, 4), generator=generator)
    patterns = coarse.repeat_interleave(8, 2).repeat_interleave(8, 3)
    images = patterns[labels] + torch.randint(64, (200, 3, 32, 32), generator=generator)
    images = images.byte()
    sets = images[:160], labels[:160], images[160:], labels[160:]
    return train_and_test(*sets, tuple("abcdefghij"), "patterns")


def load_fashion_mnist(folder: str | Path | None = None) -> tuple[ImageDataset, ImageDataset]:
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
    folder = fashion_mnist_folder() if folder is None else Path(folder) / "fashion-mnist"
    labels, test_labels, images, test_images = (
        _read_idx(folder / f"{file}.gz", sha256) for file, sha256 in FASHION_MNIST_SHA256.items()
    )
    return train_and_test(
        images, labels, test_images, test_labels, FASHION_MNIST_CLASSES, "Fashion-MNIST"
    )


def fashion_mnist_folder() -> Path:
    """Name the folder of Fashion-MNIST's four files, as `load_fashion_mnist` finds it."""
    own = data_folder() / "fashion-mnist"
    return own if own.is_dir() or not EMBEDDED.is_dir() else EMBEDDED / "fashion-mnist"


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
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ValueError("its checksum is wrong")
    except (ValueError, zlib.error) as error:
        raise ValueError(f"{path} is damaged ({error}): {remedy}.") from error
    # an idx file: its type, its number of dimensions, their sizes, its data
    start = 4 + 4 * content[3]
    shape = [int.from_bytes(content[i : i + 4], "big") for i in range(4, start, 4)]
    values = torch.frombuffer(content, dtype=torch.uint8)[start:].view(shape)
    return values.unsqueeze(1) if values.ndim == 3 else values


def load_cifar10(folder: str | Path | None = None) -> tuple[ImageDataset, ImageDataset]:
    """Load the 50,000 training and 10,000 test images of CIFAR-10, 3 x 32 x 32.

    Where the folder holds `cifar-10-batches-py`, no network is touched; else torchvision downloads
    it (170 MB). Source: Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Args:
        folder: by default `COURSE_DATA`, else the course's `data`.

    Raises:
        FileNotFoundError: the set is not there and cannot be downloaded, or a file is missing.
        ValueError: a file is damaged.
    """
    from torchvision.datasets import CIFAR10  # a second or more, which the quick profile saves

    folder = data_folder() if folder is None else Path(folder)
    if not (folder / CIFAR10.base_folder).is_dir():
        _download(CIFAR10, folder)
    try:
        with warnings.catch_warnings():
            # NumPy 2.4 warns of the files' old pickles; torchvision leaves it (its issue 9340).
            warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
            train, test = (CIFAR10(folder, train=is_train) for is_train in (True, False))
        return train_and_test(*_tensors(train), *_tensors(test), train.classes, "CIFAR-10")
    except Exception as error:  # a damaged pickle may raise anything
        raise _explain(CIFAR10, folder, error) from error


def _tensors(dataset) -> tuple[Tensor, Tensor]:
    # torchvision turns the files' (channels, height, width) round for PIL; this is a view back.
    return torch.from_numpy(dataset.data).permute(0, 3, 1, 2), torch.tensor(dataset.targets)


def _explain(dataset_class: type, folder: Path, error: Exception) -> Exception:
    """Find the file at fault, which torchvision's own message does not name."""
    from torchvision.datasets.utils import check_integrity

    place = folder / dataset_class.base_folder
    remedy = f"delete {place} to download it anew, or set COURSE_DATA to a folder with a whole one"
    meta = (dataset_class.meta["filename"], dataset_class.meta["md5"])
    for file, md5 in (*dataset_class.train_list, *dataset_class.test_list, meta):
        if not (place / file).is_file():
            return FileNotFoundError(f"{place / file} is missing: {remedy}.")
        if not check_integrity(place / file, md5):
            return ValueError(f"{place / file} is damaged (its checksum is wrong): {remedy}.")
    return ValueError(f"A file in {place} is damaged ({type(error).__name__}: {error}): {remedy}.")


def _download(dataset_class: type, folder: Path) -> None:
    """Download into a folder beside the place, and move it there when it is whole.

    What a killed download leaves is used by the next one, which goes on from a whole archive. Of
    two notebooks at once the second waits for the first.
    """
    part, place = folder / "cifar-10.part", folder / dataset_class.base_folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{part}.lock"), connection_timeout():
            if not place.is_dir():
                dataset_class(part, download=True)
                os.replace(part / place.name, place)
                shutil.rmtree(part)
    except DOWNLOAD_ERRORS as error:
        raise FileNotFoundError(
            f"CIFAR-10 is not in {folder}, and downloading {dataset_class.url} failed ({error}): "
            "go online, or set COURSE_DATA to a folder that already holds "
            f"{dataset_class.base_folder}."
        ) from error


@contextmanager
def connection_timeout() -> Iterator[None]:
    """Let new connections of the block fail when nothing comes for 30 seconds."""
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(timeout)
