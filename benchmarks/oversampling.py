"""Oversampling to equal classes: time of an epoch's indices, and what is in it.

python -m benchmarks.oversampling [FILE.json]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch.utils.data import WeightedRandomSampler

from benchmarks.pairing import OURS, compare, take_turns
from benchmarks.report import Table, run_row
from course_utils.imbalance.sampling import oversample_indices

# Each class half as frequent as the one before: imbalance of 1 to 512.
CLASSES = 10
SETTING = (
    "Positions for one epoch in which every class is to come as often as the largest, from "
    f"labels of {CLASSES} classes, each half as frequent as the one before. WeightedRandomSampler "
    "draws as many samples as ours, with weights of one over the class's size, which is how "
    "PyTorch's users oversample. Largest error: of a class's count, relative to what it should "
    "be. Missed: samples of the largest class that the epoch leaves out."
)
READING = (
    "WeightedRandomSampler draws with replacement, so that its counts are right on average only "
    "and part of the largest class is not seen in an epoch. imbalanced-learn is exact, but lets "
    "its copies of the small classes vary in number, as ours does not; it keeps the original "
    "order and appends the copies, so that a loader has to shuffle afterwards, which its time "
    "leaves out."
)

EXACT = ("largest error of a count", "largest class missed")


def ours(labels: torch.Tensor) -> np.ndarray:
    return oversample_indices(labels).numpy()


def weighted_random_sampler(labels: torch.Tensor) -> np.ndarray:
    counts = labels.bincount()
    number = len(counts) * int(counts.max())
    return np.array(list(WeightedRandomSampler((1.0 / counts)[labels], number)))


def imbalanced_learn(labels: torch.Tensor) -> np.ndarray:
    from imblearn.over_sampling import RandomOverSampler

    sampler = RandomOverSampler(random_state=0)
    sampler.fit_resample(np.arange(len(labels))[:, None], labels.numpy())
    return sampler.sample_indices_


SAMPLERS = {
    OURS: ours,
    "WeightedRandomSampler": weighted_random_sampler,
    "imbalanced-learn": imbalanced_learn,
}


def measure(samplers=SAMPLERS, *, size: int = 1_000_000, rounds: int = 5) -> list[Table]:
    labels = imbalanced_labels(size)
    epochs: dict[str, np.ndarray] = {}
    runs = {
        name: partial(_seconds, sample, labels, epochs, name) for name, sample in samplers.items()
    }
    rows = compare(take_turns(runs, rounds=rounds), "s an epoch")
    for row in rows:
        row |= content(epochs[row[""]], labels)
    return [Table(f"Oversampling {size:,} labels", SETTING, rows, READING, EXACT)]


def imbalanced_labels(size: int) -> torch.Tensor:
    """Return labels of classes that halve in size, shuffled."""
    fractions = 0.5 ** np.arange(CLASSES)
    counts = np.maximum(1, fractions / fractions.sum() * size).astype(int)
    counts[0] += size - counts.sum()
    labels = torch.repeat_interleave(torch.arange(CLASSES), torch.from_numpy(counts))
    return labels[torch.randperm(size, generator=torch.Generator().manual_seed(0))]


def content(epoch: np.ndarray, labels: torch.Tensor) -> dict:
    """Say how exact an epoch's class counts are, and what it misses and repeats."""
    own, wanted = labels.numpy(), int(labels.bincount().max())
    counts = np.bincount(own[epoch], minlength=CLASSES)
    copies = np.bincount(epoch, minlength=len(own))
    return {
        "largest error of a count": float(abs(counts / wanted - 1).max()),
        "largest class missed": float((copies[own == 0] == 0).mean()),
        "copies of a smallest-class sample": [
            int(copies[own == CLASSES - 1].min()),
            int(copies[own == CLASSES - 1].max()),
        ],
    }


def _seconds(sample: Callable, labels, epochs: dict, name: str) -> float:
    start = time.perf_counter()
    epochs[name] = sample(labels)
    return time.perf_counter() - start


if __name__ == "__main__":
    run_row(measure)
