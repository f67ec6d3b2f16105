"""Bad inputs of data sets, files and settings: what is missing, damaged or in the wrong place."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from course_utils._files import atomic_write
from course_utils.data.datasets import load_cifar10, load_fashion_mnist, load_images
from course_utils.profiles import choose, data_folder, profile, seeds

LABELS = "fashion-mnist/train-labels-idx1-ubyte.gz"


@contextmanager
def made(*files):
    """Make files, (path, content), in the working folder, and remove all again."""
    for path, content in files:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)
    try:
        yield
    finally:
        for path, _ in files:
            top = Path(path).parts[0]
            shutil.rmtree(top) if Path(top).is_dir() else Path(top).unlink(missing_ok=True)


@contextmanager
def environment(**variables):
    """Set environment variables for a block."""
    kept = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def with_files(*files, folder="."):
    def call(load):
        with made(*files):
            load(folder)

    return call


def with_environment(call, **variables):
    def in_environment(function):
        with environment(**variables):
            call(function)

    return in_environment


def writes_in_file(write):
    with made(("file", b"")), write("file/inside") as file:
        file.write(b"x")


ROWS = {
    "unknown profile": (
        load_images, lambda load: load("fast"), ValueError, "'fast'", "quick, full, smoke",
    ),
    "profile as a number": (load_images, lambda load: load(3), ValueError, "is 3", "quick, full"),
    "images of a profile that are missing": (
        load_images,
        with_environment(
            lambda load: with_files(("d/fashion-mnist/x", b""))(lambda _: load("quick")),
            COURSE_DATA="d",
        ),
        FileNotFoundError, "train-labels", "restore",
    ),
    "images that are missing": (
        load_fashion_mnist, lambda load: load("gone"), FileNotFoundError, "gone", "git checkout",
    ),
    "images that are a folder": (
        load_fashion_mnist, with_files((f"{LABELS}/x", b"")), FileNotFoundError, LABELS, "restore",
    ),
    "images cut to nothing": (load_fashion_mnist, with_files((LABELS, b"")), ValueError, LABELS),
    "images that are no gzip": (
        load_fashion_mnist, with_files((LABELS, b"<html>")), ValueError, LABELS, "is damaged",
    ),
    "data folder that is a file": (
        load_fashion_mnist, with_files(("data", b"x"), folder="data"), FileNotFoundError, "data/",
    ),
    "CIFAR-10 without its files": (
        load_cifar10, with_files(("cifar-10-batches-py/x", b"")),
        FileNotFoundError, "data_batch_1 is missing", "COURSE_DATA",
    ),
    "CIFAR-10 cut short": (
        load_cifar10, with_files(("cifar-10-batches-py/data_batch_1", b"x")),
        ValueError, "data_batch_1 is damaged", "COURSE_DATA",
    ),
    "profile of the environment": (
        profile, with_environment(lambda profile: profile(), COURSE_PROFILE="gpu"),
        ValueError, "COURSE_PROFILE is 'gpu'", "unset it",
    ),
    "choice in an unknown profile": (
        choose, with_environment(lambda c: c(quick=1, full=2, smoke=3), COURSE_PROFILE="slow"),
        ValueError, "COURSE_PROFILE is 'slow'", "unset it",
    ),
    "seed of the environment": (
        seeds, with_environment(lambda seeds: seeds(3), COURSE_SEED="-1"),
        ValueError, "COURSE_SEED is '-1'", "unset it",
    ),
    "first seed below 0": (seeds, lambda seeds: seeds(3, first=-1), ValueError, "first is -1"),
    "data of the environment that is a file": (
        data_folder,
        with_environment(lambda name: with_files(("f", b""))(lambda _: name()), COURSE_DATA="f"),
        ValueError, "COURSE_DATA is 'f'", "a file",
    ),
    "file in a file": (atomic_write, writes_in_file, OSError, "file/inside", "may write"),
}  # fmt: skip
