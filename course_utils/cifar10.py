"""CIFAR-10 through torchvision, fetched at most once."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock

from course_utils.downloads import FAILURES, no_long_waits
from course_utils.image_set import ImageSet
from course_utils.image_statistics import train_and_test
from course_utils.limits import check_type
from course_utils.settings import data_folder


def load_cifar10(folder: str | Path | None = None) -> tuple[ImageSet, ImageSet]:
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
    place = folder / CIFAR10.base_folder
    if not place.is_dir():
        _download(CIFAR10, folder)
    remedy = f"delete {place} to download it anew, or set COURSE_DATA to a folder with a whole one"
    return read_cifar10(CIFAR10, folder, name="CIFAR-10", remedy=remedy)


def read_cifar10(
    dataset_class: type, folder: Path, *, name: str, remedy: str
) -> tuple[ImageSet, ImageSet]:
    """Read both sets from the files in a folder.

    Args:
        dataset_class: torchvision's `CIFAR10`, or a subclass with other files or checksums.
        folder: what holds `cifar-10-batches-py`.
        name: what to call the sets.
        remedy: how to mend the folder; the end of an error's sentence.

    Raises:
        TypeError: the folder is no `Path`.
        FileNotFoundError: a file is missing.
        ValueError: a file is damaged.
    """
    check_type("folder", folder, Path)
    try:
        with warnings.catch_warnings():
            # NumPy 2.4 warns of the files' old pickles; torchvision leaves it (its issue 9340).
            warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
            train, test = (dataset_class(folder, train=is_train) for is_train in (True, False))
        return train_and_test(*_tensors(train), *_tensors(test), train.classes, name)
    except Exception as error:  # a damaged pickle may raise anything
        raise _explain(dataset_class, folder, error, remedy) from error


def _tensors(dataset) -> tuple[torch.Tensor, torch.Tensor]:
    # torchvision turns the files' (channels, height, width) round for PIL; this is a view back.
    return torch.from_numpy(dataset.data).permute(0, 3, 1, 2), torch.tensor(dataset.targets)


def _explain(dataset_class: type, folder: Path, error: Exception, remedy: str) -> Exception:
    """Find the file at fault, which torchvision's own message does not name."""
    from torchvision.datasets.utils import check_integrity

    meta = (dataset_class.meta["filename"], dataset_class.meta["md5"])
    for file, md5 in (*dataset_class.train_list, *dataset_class.test_list, meta):
        path = folder / dataset_class.base_folder / file
        if not path.is_file():
            return FileNotFoundError(f"{path} is missing: {remedy}.")
        if not check_integrity(path, md5):
            return ValueError(f"{path} is damaged (its checksum is wrong): {remedy}.")
    place = folder / dataset_class.base_folder
    return ValueError(f"A file in {place} is damaged ({type(error).__name__}: {error}): {remedy}.")


def _download(dataset_class: type, folder: Path) -> None:
    """Download into a folder beside the place, and move it there when it is whole.

    What a killed download leaves is used by the next one, which goes on from a whole archive. Of
    two notebooks at once the second waits for the first.
    """
    part, place = folder / "cifar-10.part", folder / dataset_class.base_folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{part}.lock"), no_long_waits():
            if not place.is_dir():
                dataset_class(part, download=True)
                os.replace(part / place.name, place)
                shutil.rmtree(part)
    except FAILURES as error:
        raise FileNotFoundError(
            f"CIFAR-10 is not in {folder}, and downloading {dataset_class.url} failed ({error}): "
            "go online, or set COURSE_DATA to a folder that already holds "
            f"{dataset_class.base_folder}."
        ) from error
