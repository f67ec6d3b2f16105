"""Command that tunes the optimizers of lesson 03 and stores what it found beside the lesson.

    python -m experiments.tune_03              minutes

The small net of the lesson's quick profile, trained at a constant learning rate. Each optimizer's
own comes from a grid, by the mean accuracy on validation images over seeds of its own; where the
best lies at the edge, the grid goes on. Then, on other seeds and on test images, each trains at the
same 0.01, where its finder's curve is steepest, at the finder's suggestion, and at the grid's best;
and with a learning rate that falls to zero in a straight line, from the first two of these and from
the suggested peak.
"""

from __future__ import annotations

import argparse
from functools import partial
from statistics import median

import torch
from torch.optim.lr_scheduler import LambdaLR

from course_utils.data import DeviceLoader, ImageDataset
from course_utils.lessons.common import accuracy_after, load_split, training_loader
from course_utils.lessons.lesson_03 import OPTIMIZERS, optimizer_factory
from course_utils.lr import find_lr
from course_utils.models import simple_net
from course_utils.training import set_seed
from experiments import measure_missing, validation_grid

NAMES = (*OPTIMIZERS, "Muon")
# Quarter decades around where each one trains, found by a first, coarse look on validation images.
CENTRES = dict(zip(NAMES, (0.3, 0.06, 0.06, 0.002, 0.005, 0.006), strict=True))
FACTORS = tuple(10 ** (quarter / 4) for quarter in range(-5, 6))
SIZES = (10_000, 5_000)
BATCH_SIZE = 128
EPOCHS = 5
BLIND = 0.01
SWEEP_SEEDS = (100, 101, 102, 103, 104)
TUNING_SEEDS = (110, 111, 112)
TEST_SEEDS = tuple(range(200, 210))
CPU = torch.device("cpu")


def build(name: str, images: ImageDataset, seed: int, lr: float) -> tuple:
    """Make net, optimizer and loader anew; the seed decides weights and order."""
    set_seed(seed)
    model = simple_net(14 * 14)
    loader = training_loader(images, BATCH_SIZE, seed, CPU)
    return model, optimizer_factory(name, lr=lr)(model.parameters()), loader


def accuracy(name, images, measured, lr: float, seed: int, *, falling: bool = False) -> float:
    """Train at a learning rate, constant or falling to zero; return the accuracy in %."""
    parts = _, optimizer, loader = build(name, images, seed, lr)
    steps = EPOCHS * len(loader)
    schedule = LambdaLR(optimizer, lambda step: 1 - step / steps) if falling else None
    return round(accuracy_after(*parts, measured, epochs=EPOCHS, schedule=schedule), 2)


def tune(name: str, images: tuple[ImageDataset, ImageDataset, ImageDataset]) -> dict:
    """Return an optimizer's learning rates and what each gives; see the module's docstring."""
    train, *rest = images
    valid, test = (DeviceLoader(part, batch_size=1000) for part in rest)
    grid = [CENTRES[name] * factor for factor in FACTORS]
    best, validation = validation_grid(partial(accuracy, name, train, valid), grid, TUNING_SEEDS)
    curves = [find_lr(*build(name, train, seed, BLIND)) for seed in SWEEP_SEEDS]
    lrs = {
        "0.01": BLIND,
        "steepest": median(curve.steepest() for curve in curves),
        "suggestion": median(curve.suggestion() for curve in curves),
        "best": best,
    }
    peak = median(curve.suggestion(peak=True) for curve in curves)
    peaks = {"0.01": BLIND, "steepest": lrs["steepest"], "peak": peak}
    measure = partial(accuracy, name, train, test)
    return {
        "lrs": lrs,
        "peak": peak,
        "validation": validation,
        "test": {way: [measure(lr, seed) for seed in TEST_SEEDS] for way, lr in lrs.items()},
        "falling": {
            way: [measure(lr, seed, falling=True) for seed in TEST_SEEDS]
            for way, lr in peaks.items()
        },
    }


def main(arguments: list[str] | None = None) -> None:
    """Tune every optimizer that is not stored yet, writing the file after each."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args(arguments)
    images = load_split(2, SIZES)
    jobs = {name: partial(tune, name, images) for name in NAMES}
    seeds = {"sweep": SWEEP_SEEDS, "tuning": TUNING_SEEDS, "test": TEST_SEEDS}
    for name, entry, seconds in measure_missing("tune_03", "optimizers", jobs, seeds, CPU):
        print(f"{name}: LRs {entry['lrs']}, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
