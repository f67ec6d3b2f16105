"""Images per second: DeviceBatches beside DataLoader with torchvision's transforms.

Both shuffle, flip, pad by reflection, crop and normalise the same 10,000 images of Fashion-MNIST in
batches of 128. The feeds take turns, so that a busy machine slows all of them; ratios are paired.

    python benchmarks/image_feed.py [rounds]
"""

from __future__ import annotations

import sys
import time
from statistics import median

import torch
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from course_utils.augment import Augment
from course_utils.batches import DeviceBatches
from course_utils.data import load_fashion_mnist
from course_utils.device import describe_machine, pick_device, set_threads
from course_utils.image_set import ImageSet

BATCH_SIZE = 128
PAD = 2


class TransformedImages(Dataset):
    """The images as a Dataset with one transform, as torchvision's own data sets are built."""

    def __init__(self, image_set: ImageSet):
        self.images, self.labels = image_set.images, image_set.labels
        self.transform = v2.Compose(
            [
                v2.RandomHorizontalFlip(),
                v2.RandomCrop(image_set.images.shape[-2:], padding=PAD, padding_mode="reflect"),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(image_set.mean, image_set.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int):
        return self.transform(self.images[index]), self.labels[index]


def data_loader(image_set: ImageSet, workers: int) -> DataLoader:
    return DataLoader(
        TransformedImages(image_set),
        batch_size=BATCH_SIZE,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def images_per_second(batches, device: torch.device) -> float:
    start = time.perf_counter()
    count = 0
    for images, labels in batches:
        images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
        count += len(images)
    if device.type != "cpu":
        torch.accelerator.synchronize()
    return count / (time.perf_counter() - start)


def main(rounds: int) -> None:
    set_threads()
    device = pick_device()
    train, _ = load_fashion_mnist()
    train = train.subset(range(10_000))
    augment = Augment(flip=True, pad=PAD)
    feeds = {
        "DeviceBatches": DeviceBatches(
            train, batch_size=BATCH_SIZE, device=device, shuffle=True, augment=augment
        ),
        "DataLoader, 0 workers": data_loader(train, 0),
        "DataLoader, 2 workers": data_loader(train, 2),
    }
    for feed in feeds.values():  # start the workers, fill the caches
        images_per_second(feed, device)
    speeds = {name: [] for name in feeds}
    for _ in range(rounds):
        for name, feed in feeds.items():
            speeds[name].append(images_per_second(feed, device))
    print(", ".join(f"{name} {value}" for name, value in describe_machine(device).items()))
    print(f"{'feed':24}{'images/s (median)':>18}{'range':>24}{'DeviceBatches / it':>24}")
    for name, values in speeds.items():
        pairs = [a / b for a, b in zip(speeds["DeviceBatches"], values, strict=True)]
        spread = f"{min(values):,.0f} to {max(values):,.0f}"
        ratio = f"{median(pairs):.1f} ({min(pairs):.1f} to {max(pairs):.1f})"
        print(f"{name:24}{median(values):18,.0f}{spread:>24}{ratio:>24}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
