"""Command that chooses lesson 01's learning rates and measures what the lesson shows as stored.

    python -m experiments.tune_01             all parts that are not stored yet, in ten minutes
    python -m experiments.tune_01 rates ...   these parts again

The nets, the images and the plain loop are those of the lesson's quick profile; the seeds are none
of the lesson's. Learning rates are chosen by balanced accuracy on validation images.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import product
from statistics import mean

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.data import ImageDataset
from course_utils.imbalance import (
    balanced_accuracy,
    class_counts,
    class_recalls,
    class_weights,
    confusion_matrix,
    correct_prior,
    oversample_indices,
    undersample_indices,
)
from course_utils.lessons.lesson_01 import quick_settings
from course_utils.models import simple_net, small_cnn
from experiments import store, stored_or, validation_grid

NETS = {"perceptron": partial(simple_net, 14 * 14), "small_cnn": small_cnn}
BUDGETS = {"one epoch": 10_000, "short": 25_600, "long": 64_000}  # images shown
BATCH_SIZE = 64
ARMS = (
    "balanced",
    "as it is",
    "prior correction",
    "oversampling",
    "weighted loss",
    "undersampling",
)
LR_GRID = (0.1, 0.2, 0.4, 0.8, 1.6)
TUNING_SEEDS = tuple(range(500, 505))
OTHER_SEEDS = tuple(range(600, 620))


@cache
def images() -> tuple[ImageDataset, ImageDataset, ImageDataset]:
    """Load the lesson's images: to draw training sets from, for validation, for the test."""
    return quick_settings().load()


def epochs(arm: str, labels: Tensor, seed: int) -> Iterator[Tensor]:
    """Give the positions of one epoch after another."""
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.arange(len(labels))
    if arm == "undersampling":
        chosen = undersample_indices(labels, seed=seed)
    weights = 1 / labels.bincount()[labels].double()
    number = 0
    while True:
        if arm == "oversampling":
            yield oversample_indices(labels, seed=seed, epoch=number)
        elif arm == "WeightedRandomSampler":  # what that sampler does
            yield torch.multinomial(weights, len(labels), replacement=True, generator=generator)
        else:
            yield chosen[torch.randperm(len(chosen), generator=generator)]
        number += 1


def train(
    net: Callable[[], nn.Module],
    data: ImageDataset,
    arm: str,
    shown: int,
    *,
    lr: float,
    seed: int,
    batch_size: int = BATCH_SIZE,
    label_smoothing: float = 0.0,
) -> nn.Module:
    """Train by plain SGD whose learning rate falls in a straight line to zero, as the lesson does.

    Args:
        net: makes the model.
        data: the training set.
        arm: one of `ARMS`, or "WeightedRandomSampler".
        shown: images to show in all; an image counts each time.
        lr: learning rate of the first step.
        seed: of initial weights and order.
        batch_size: images a batch.
        label_smoothing: of the loss.
    """
    inputs, labels = data.normalised(data.images), data.labels
    order = torch.empty(0, dtype=torch.long)
    for positions in epochs(arm, labels, seed):
        order = torch.cat([order, positions])
        if len(order) >= shown:
            break
    weight = class_weights(class_counts(data)) if arm == "weighted loss" else None
    loss_function = partial(F.cross_entropy, weight=weight, label_smoothing=label_smoothing)
    batches = order[:shown].split(batch_size)
    torch.manual_seed(seed)
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0, len(batches))
    for batch in batches:
        loss = loss_function(model(inputs[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


@cache
def results(
    net: str, arm: str, budget: str, part: int, lr: float, seed: int, **changes
) -> tuple[Tensor, Tensor, Tensor]:
    """Train and return logits and labels of validation (part 1) or test images (2), and counts."""
    settings = quick_settings()
    draw = settings.balanced_set if arm == "balanced" else settings.step_set
    data = draw(images()[0], seed)
    model = train(NETS[net], data, arm, BUDGETS[budget], lr=lr, seed=seed, **changes)
    measured = images()[part]
    with torch.no_grad():
        return model(measured.normalised(measured.images)), measured.labels, class_counts(data)


def accuracy(
    net: str, arm: str, budget: str, part: int = 1, *, lr: float, seed: int, **changes
) -> float:
    """Train and return the balanced accuracy in %."""
    way = "as it is" if arm == "prior correction" else arm
    logits, labels, counts = results(net, way, budget, part, lr, seed, **changes)
    if arm == "prior correction":
        logits = correct_prior(logits, counts)
    if logits.isnan().any():
        return 10.0  # that of guessing, as the training has diverged
    return 100 * balanced_accuracy(logits, labels)


def rates(
    net: str = "perceptron",
    budgets: Sequence[str] = ("short", "long"),
    arms: Sequence[str] = ARMS,
    seeds: Sequence[int] = TUNING_SEEDS,
) -> dict[str, dict]:
    """Choose each arm's learning rate; the best one lies inside its grid."""
    found: dict[str, dict] = {}
    for budget, arm in product(budgets, arms):
        best, values = validation_grid(partial(accuracy, net, arm, budget), LR_GRID, seeds)
        found.setdefault(budget, {})[arm] = {"lr": best, "validation": values}
        print(net, budget, arm, best, {lr: round(mean(v), 1) for lr, v in values.items()})
    return found


def tuned(seeds=TUNING_SEEDS[:3]) -> dict:
    """Tune more of the untreated net than its learning rate: its batch size, label smoothing."""
    best: dict = {"validation": 0.0}
    for size, smoothing in product((8, 16, 32, 64), (0.0, 0.1)):
        changes = {"batch_size": size, "label_smoothing": smoothing}
        for lr in (0.1, 0.2, 0.4, 0.8):
            run = partial(accuracy, "perceptron", "as it is", "short", lr=lr, **changes)
            value = round(mean(run(seed=seed) for seed in seeds), 2)
            print(changes, lr, value, flush=True)
            if value > best["validation"]:
                best = {"validation": value, "lr": lr, **changes}
    return best


def sampler(seeds=OTHER_SEEDS) -> dict:
    """Compare `WeightedRandomSampler` with exact oversampling, on test images, paired by seed."""
    stored = stored_or("tune_01", {})["rates"]
    found = {}
    for budget, number in (("one epoch", 20), ("short", 20), ("long", 10)):
        lr = stored["long" if budget == "long" else "short"]["oversampling"]["lr"]
        found[budget] = {
            arm: [
                round(accuracy("perceptron", arm, budget, 2, lr=lr, seed=seed), 2)
                for seed in seeds[:number]
            ]
            for arm in ("oversampling", "WeightedRandomSampler")
        }
        print(budget, {arm: round(mean(values), 2) for arm, values in found[budget].items()})
    return found


def compared(seeds=OTHER_SEEDS[:10]) -> dict[str, dict[str, list[float]]]:
    """Measure the main arms on test images: what the lesson then claims on seeds of its own."""
    chosen = stored_or("tune_01", {})["rates"]
    found: dict[str, dict[str, list[float]]] = {}
    for budget, arm in product(("short", "long"), ARMS[:4]):
        lr = chosen[budget]["as it is" if arm == "prior correction" else arm]["lr"]
        run = partial(accuracy, "perceptron", arm, budget, 2, lr=lr)
        found.setdefault(budget, {})[arm] = [round(run(seed=seed), 2) for seed in seeds]
        print(budget, arm, round(mean(found[budget][arm]), 2))
    return found


def recalls(seeds=TUNING_SEEDS) -> dict[str, list[float]]:
    """Measure the recall of each class on test images, in %, as the mean over seeds."""
    chosen = stored_or("tune_01", {})["rates"]["short"]
    found = {}
    for arm in ("balanced", "as it is", "oversampling"):
        runs = [
            results("perceptron", arm, "short", 2, chosen[arm]["lr"], seed)[:2] for seed in seeds
        ]
        means = torch.stack([class_recalls(confusion_matrix(*run)) for run in runs]).mean(0)
        found[arm] = [round(100 * float(value), 1) for value in means]
    return found


PARTS: dict[str, Callable[[], dict]] = {
    "rates": rates,
    "recalls": recalls,
    "sampler": sampler,
    "cnn": partial(rates, "small_cnn", ("short",), ARMS[:4], TUNING_SEEDS[:3]),
    "tuned": tuned,
    "compared": compared,
}


def main(parts: list[str] | None = None) -> None:
    """Measure these parts, or those that are not stored yet, writing the file after each."""
    stored = stored_or("tune_01", {})
    torch.set_num_threads(1)
    for part in parts or [name for name in PARTS if name not in stored]:
        stored[part] = PARTS[part]()
        store("tune_01", stored, torch.device("cpu"))


if __name__ == "__main__":
    main(sys.argv[1:])
