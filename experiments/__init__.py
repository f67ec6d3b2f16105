"""Commands that measure what the lessons show as stored, on a CPU or at full size on a GPU."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import mean

import torch

from course_utils import lessons
from course_utils._files import atomic_write


def stored_or(name: str, empty: dict) -> dict:
    """Return what a command has stored before, or `empty` where it has not run yet."""
    exists = (lessons.STORED / f"{name}.json").exists()
    return lessons.stored_results(name) if exists else empty


def store(name: str, content: dict, device: torch.device, **made_with) -> None:
    """Write a command's results, and with what they were made, where the lessons read them."""
    content["made_with"] = {"torch": torch.__version__, "device": device.type, **made_with}
    with atomic_write(lessons.STORED / f"{name}.json") as file:
        file.write(json.dumps(content, indent=1).encode())


def measure_missing(
    name: str, part: str, jobs: Mapping[str, Callable[[], dict]], seeds: dict, device: torch.device
) -> Iterator[tuple[str, dict, float]]:
    """Measure what a part of a command's file does not hold yet, writing the file after each.

    Args:
        name: of the file.
        part: of the file, a mapping from labels to results.
        jobs: label -> function that measures its result.
        seeds: with which this is done; they are stored too.
        device: on which it is done.

    Yields:
        Label, result and seconds, of each that was missing.
    """
    stored = stored_or(name, {})
    results = stored.setdefault(part, {})  # a part may be younger than the file
    for label, measure in jobs.items():
        if label in results:
            continue
        start = time.perf_counter()
        results[label] = result = measure()
        stored["seeds"] = seeds
        store(name, stored, device)
        yield label, result, time.perf_counter() - start


def validation_grid(
    accuracy: Callable[..., float], grid: Sequence[float], seeds: Sequence[int]
) -> tuple[float, dict[float, list[float]]]:
    """Measure `accuracy(lr=, seed=)` over a grid of learning rates, until the best lies inside it.

    Returns:
        The best rate, by the mean over the seeds, and rate -> its accuracies.
    """
    validation: dict[float, list[float]] = {}
    rates = list(grid)
    while True:
        for lr in rates:
            validation[lr] = [round(accuracy(lr=lr, seed=seed), 2) for seed in seeds]
        best = max(validation, key=lambda lr: mean(validation[lr]))
        if min(validation) < best < max(validation):
            return best, dict(sorted(validation.items()))
        rates = [best / 2 if best == min(validation) else best * 2]
