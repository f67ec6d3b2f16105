"""Images per second: DeviceLoader beside DataLoader with torchvision's transforms.

python -m benchmarks.image_feed [FILE.json]
"""

from __future__ import annotations

import time
from functools import partial

import torch
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from benchmarks.pairing import OURS, compare, take_turns
from benchmarks.report import Table, run_row
from course_utils.data.datasets import load_fashion_mnist
from course_utils.data.device_loader import Augment, DeviceLoader
from course_utils.data.image_dataset import ImageDataset

BATCH_SIZE = 128
PAD = 2
SETTING = (
    "All shuffle, flip, pad by reflection, crop and normalise the same images of Fashion-MNIST "
    f"in batches of {BATCH_SIZE}; the time of a whole epoch of them. The feeds take turns in "
    "random order. The main process and each worker have one thread, and the workers are started "
    "before."
)
READING = (
    "torchvision's transforms work on one image at a time, in Python, since given a batch they "
    "draw one flip and one crop for all of it; DeviceLoader draws for each image, but works on "
    "a batch at a time. Worker processes hide that cost behind a training step as far as there "
    "are free cores, and for sets of large files there is no way around them; DeviceLoader is "
    "for small images that fit into memory."
)


class TransformedImages(Dataset):
    """The images as a Dataset with one transform, as torchvision's own data sets are built."""

    def __init__(self, dataset: ImageDataset):
        self.images, self.labels = dataset.images, dataset.labels
        self.transform = v2.Compose(
            [
                v2.RandomHorizontalFlip(),
                v2.RandomCrop(dataset.images.shape[-2:], padding=PAD, padding_mode="reflect"),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(dataset.mean, dataset.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        return self.transform(self.images[index]), self.labels[index]


def data_loader(dataset: ImageDataset, workers: int) -> DataLoader:
    return DataLoader(
        TransformedImages(dataset),
        batch_size=BATCH_SIZE,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def measure(*, images: int = 5000, rounds: int = 9) -> list[Table]:
    train, _ = load_fashion_mnist()
    train = train.subset(range(images))
    feeds = {
        OURS: DeviceLoader(train, batch_size=BATCH_SIZE, shuffle=True, augment=Augment(pad=PAD)),
        "DataLoader, 0 workers": data_loader(train, 0),
        "DataLoader, 2 workers": data_loader(train, 2),
    }
    runs = {name: partial(_seconds_an_image, feed) for name, feed in feeds.items()}
    rows = compare(take_turns(runs, rounds=rounds), "us an image", scale=1e6)
    for row in rows:
        row["images a second"] = round(1e6 / row["us an image"])
    return [Table("Image feed", SETTING, rows, READING)]


def _seconds_an_image(batches) -> float:
    start = time.perf_counter()
    count = sum(len(images) for images, _ in batches)
    return (time.perf_counter() - start) / count


if __name__ == "__main__":
    run_row(measure)
