"""Command that trains lesson 06's nets over grids of learning rates, and stores the results.

    python -m experiments.tune_06       a quarter of an hour on one CPU core

For each net, each batch size and each weight decay: the largest usable learning rate of one-epoch
sweeps, and the validation accuracy after real training at every rate of a grid, which goes on by
factors of two where the best rate lies at its edge. Then dropout with and without 1cycle, each arm
at its own best rate, measured on test images with other seeds. What is stored is not repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

import torch

from course_utils.data import DeviceLoader, ImageDataset
from course_utils.lessons.lesson_06 import Net, Settings, Setup, best_lr, quick_settings
from course_utils.lr import largest_usable_lr, repeat_lr_finder
from course_utils.training import pick_device
from experiments import store, stored_or, validation_grid

WIDE_GRID = (0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
NARROW_GRID = (0.05, 0.1, 0.2)
GRID_SEEDS = (100, 101, 102)
TEST_SEEDS = tuple(range(200, 210))
BATCH_SIZES = (1, 4, 16, 64, 256, 1024)
DROPOUTS = (0.0, 0.25, 0.5)
# Few images and many epochs, so that there is something to regularise.
FEW_IMAGES, MANY_EPOCHS = 2_000, 30
SWEEP = {"min_lr": 1e-4, "max_lr": 10.0, "beta": 0.9}


@dataclass(frozen=True)
class Grid:
    """Measures entries on images of its own, and writes the file after each."""

    settings: Settings
    train: ImageDataset
    valid: DeviceLoader
    test: DeviceLoader
    device: torch.device
    content: dict

    def keep(self, part: str, name: str, value: float, measure: Callable[[], dict]) -> None:
        """Store what `measure()` returns, unless there is such an entry already."""
        entries = self.content.setdefault(part, {}).setdefault(name, {})
        if str(value) in entries:
            return
        entries[str(value)] = measure()
        store("tune_06", self.content, self.device, date=date.today().isoformat())
        lr, accuracy = best_lr(entries[str(value)]["validation"])
        print(f"{part}, {name}, {value}: LR {lr}, {accuracy:.2f} %", flush=True)

    def setup(self, net: Net, setup: Setup, grid: Sequence[float], seeds: Sequence[int]) -> dict:
        """Measure a setup's largest usable rates, one a seed, and its accuracies over the grid."""
        build = net.builder(self.train, setup, self.device)
        sweeps = repeat_lr_finder(build, seeds, steps=self.settings.sweep_steps, **SWEEP)
        run = {"epochs": self.settings.epochs}
        accuracy = partial(net.accuracy, self.train, self.valid, setup, **run)
        return {
            "usable": [round(largest_usable_lr(curve), 5) for curve in sweeps.curves],
            "validation": validation_grid(accuracy, grid, seeds)[1],
        }

    def dropout(self, net: Net, setup: Setup, one_cycle: bool) -> dict:
        """Measure an arm over the grid, and on test images at its best rate."""
        few = self.train.subset(range(min(FEW_IMAGES, len(self.train))))
        run = {"epochs": MANY_EPOCHS, "one_cycle": one_cycle}
        accuracy = partial(net.accuracy, few, self.valid, setup, **run)
        run["lr"], validation = validation_grid(accuracy, NARROW_GRID, GRID_SEEDS)
        test = [net.accuracy(few, self.test, setup, seed=seed, **run) for seed in TEST_SEEDS]
        return {"validation": validation, "test": [round(value, 2) for value in test]}


def main() -> None:
    """Measure all that is not stored yet."""
    device = pick_device()
    settings = quick_settings()
    train, valid, test = settings.load()
    measured = [DeviceLoader(images, batch_size=1000, device=device) for images in (valid, test)]
    grid = Grid(settings, train, *measured, device, stored_or("tune_06", {}))
    base = settings.base
    for name, net in settings.nets.items():
        for size in BATCH_SIZES:
            arguments = (net, replace(base, batch_size=size), NARROW_GRID, GRID_SEEDS)
            grid.keep("batch size", name, size, partial(grid.setup, *arguments))
        for decay in settings.weight_decays:
            arguments = (net, replace(base, weight_decay=decay), WIDE_GRID, GRID_SEEDS)
            grid.keep("weight decay", name, decay, partial(grid.setup, *arguments))
    # With momentum, so that 1cycle has both its cycles.
    net = replace(settings.nets["perceptron"], momentum=0.9)
    for schedule in ("constant", "1cycle"):
        for rate in DROPOUTS:
            arguments = (net, replace(base, dropout=rate), schedule == "1cycle")
            grid.keep("dropout", schedule, rate, partial(grid.dropout, *arguments))


if __name__ == "__main__":
    main()
