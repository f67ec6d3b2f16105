"""Bad inputs of batches, checkpoints, devices and models."""

import math
from pathlib import Path

import torch
from small_runs import make_batches
from torch import nn

from course_utils.data.device_loader import Augment, DeviceLoader
from course_utils.data.image_dataset import ImageDataset
from course_utils.imbalance.sampling import OversamplingSampler
from course_utils.models import CifarResNet, simple_net, small_cnn
from course_utils.profiles import seeds, set_seed
from course_utils.training.checkpoint import load_checkpoint, save_checkpoint
from course_utils.training.device import pick_device, set_threads


def dataset(n=8, size=8):
    images = torch.zeros(n, 1, size, size, dtype=torch.uint8)
    return ImageDataset(images, torch.arange(n) % 2, ("a", "b"), (0.5,), (0.3,), "set")


def batches_with(**settings):
    return lambda batches: batches(dataset(), **{"batch_size": 4} | settings)


class Positions:
    """A sampler of these positions."""

    def __init__(self, *positions):
        self.positions = positions

    def __len__(self):
        return len(self.positions)

    def __iter__(self):
        return iter(self.positions)

    def set_epoch(self, epoch):
        """Draw the same in each epoch."""


def with_state(state):
    return lambda load: load(DeviceLoader(dataset(), batch_size=4), state)


def load_from(content):
    """Return a call that loads a file with this content, and removes it again."""

    def call(load):
        path = Path("run.pt")
        path.write_bytes(content)
        try:
            load(path)
        finally:
            path.unlink()

    return call


def in_a_file(save):
    Path("file").touch()
    try:
        save("file/run.pt", {})
    finally:
        Path("file").unlink()


ROWS = {
    "batch size of 0": (
        DeviceLoader, batches_with(batch_size=0), ValueError, "batch_size is 0", "at least 1",
    ),
    "batch size as a float": (
        DeviceLoader, batches_with(batch_size=4.0), ValueError, "batch_size is 4.0", "integer",
    ),
    "batch size as a text": (
        DeviceLoader, batches_with(batch_size="4"), ValueError, "batch_size is '4'", "integer",
    ),
    "batch larger than the set": (
        DeviceLoader, batches_with(batch_size=9, drop_last=True),
        ValueError, "batch_size is 9", "8 images", "smaller",
    ),
    "seed below 0": (DeviceLoader, batches_with(seed=-1), ValueError, "seed is -1", "at least 0"),
    "seed as a bool": (DeviceLoader, batches_with(seed=True), ValueError, "seed is True"),
    "augment as a bool": (
        DeviceLoader, batches_with(augment=True), TypeError, "augment is True", "Augment",
    ),
    "pad below 0": (
        DeviceLoader, batches_with(augment=Augment(pad=-1)), ValueError, "pad is -1",
    ),
    "half a pixel of pad": (
        DeviceLoader, batches_with(augment=Augment(pad=1.5)), ValueError, "pad is 1.5",
    ),
    "pad beyond the image": (
        DeviceLoader, batches_with(augment=Augment(pad=8)),
        ValueError, "pad is 8", "at most 7", "8 x 8",
    ),
    "sampler that shuffles too": (
        DeviceLoader, batches_with(sampler=Positions(0), shuffle=True),
        ValueError, "Positions with shuffle=True", "no shuffle",
    ),
    "sampler of a larger set": (
        DeviceLoader, lambda batches: list(batches_with(sampler=Positions(0, 8))(batches)),
        ValueError, "go from 0 to 8", "0 to 7", "sampler",
    ),
    "sampler without positions": (
        DeviceLoader, batches_with(sampler=Positions()), ValueError, "Positions", "length 0",
    ),
    "unknown device": (
        DeviceLoader, batches_with(device="tpu9"), ValueError, "'tpu9'", "choose 'cpu'",
    ),
    "loader in place of a set": (
        DeviceLoader, lambda batches: batches(make_batches(), batch_size=4),
        TypeError, "dataset is of type list", "ImageDataset",
    ),
    "sampler without epochs": (
        DeviceLoader, batches_with(sampler=[3, 1]), ValueError, "a list", "set_epoch",
    ),
    "sampler of one rank's part": (
        DeviceLoader, batches_with(sampler=OversamplingSampler([0] * 8, world_size=2)),
        ValueError, "one rank's part of 2", "world_size=1",
    ),
    "state None": (DeviceLoader.load_state_dict, with_state(None), ValueError, "state is None"),
    "state past its end": (
        DeviceLoader.load_state_dict, with_state({"epoch": 0, "batch": 2, "seed": 0}),
        ValueError, "batch 2", "2 batches",
    ),
    "state without a seed": (
        DeviceLoader.load_state_dict, with_state({"epoch": 0, "batch": 0}),
        ValueError, "epoch, batch and seed",
    ),
    "state at half a batch": (
        DeviceLoader.load_state_dict, with_state({"epoch": 0, "batch": 0.5, "seed": 0}),
        ValueError, "batch is 0.5",
    ),
    "checkpoint that is missing": (
        load_checkpoint, lambda load: load("gone.pt"), FileNotFoundError, "gone.pt", "path",
    ),
    "checkpoint cut to nothing": (load_checkpoint, load_from(b""), ValueError, "run.pt", "sound"),
    "checkpoint of text": (load_checkpoint, load_from(b"lr,loss"), ValueError, "run.pt", "delete"),
    "state with a module": (
        save_checkpoint, lambda save: save("run.pt", {"net": nn.ReLU()}), ValueError, "ReLU",
    ),
    "checkpoint in a file": (
        save_checkpoint, in_a_file, OSError, "file/run.pt cannot be written", "may write to",
    ),
    "state that is a list": (
        save_checkpoint, lambda save: save("run.pt", [1]), TypeError, "state is of type list",
    ),
    "device as a number": (pick_device, lambda pick: pick("gpu"), ValueError, "'gpu'", "'cpu'"),
    "global seed below 0": (set_seed, lambda seed: seed(-1), ValueError, "seed is -1"),
    "global seed too large": (set_seed, lambda seed: seed(2**32), ValueError, str(2**32)),
    "global seed NaN": (set_seed, lambda seed: seed(math.nan), ValueError, "seed is nan"),
    "no threads": (set_threads, lambda threads: threads(0), ValueError, "threads is 0"),
    "half a thread": (set_threads, lambda threads: threads(2.5), ValueError, "threads is 2.5"),
    "threads as a text": (set_threads, lambda threads: threads("all"), ValueError, "'all'"),
    "no seeds": (seeds, lambda seeds: seeds(0), ValueError, "count is 0", "at least 1"),
    "depth between two nets": (CifarResNet, lambda net: net(21), ValueError, "depth is 21", "20"),
    "depth as a text": (CifarResNet, lambda net: net("56"), ValueError, "depth is '56'"),
    "depth as a float": (CifarResNet, lambda net: net(20.0), ValueError, "depth is 20.0"),
    "no classes": (CifarResNet, lambda net: net(20, classes=0), ValueError, "classes is 0"),
    "net of width 0": (small_cnn, lambda net: net(width=0), ValueError, "width is 0"),
    "net for half a pixel": (small_cnn, lambda net: net(size=0.5), ValueError, "size is 0.5"),
    "perceptron without units": (simple_net, lambda net: net(hidden=0), ValueError, "hidden is 0"),
}  # fmt: skip
