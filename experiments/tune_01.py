"""Command that shows how lesson 01's learning rates were chosen, for the running profile.

    python -m experiments.tune_01

For each budget and arm it prints the balanced accuracy on validation images at each learning rate
of a grid, averaged over three seeds that the lesson does not use. It takes minutes. The best ones
stand in `lesson_01`, each inside the grid.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean

import torch

from course_utils.data import DeviceLoader
from course_utils.imbalance import balanced_accuracy, class_counts, collect_logits, correct_prior
from course_utils.lessons.lesson_01 import ARMS, Settings, settings
from course_utils.training import pick_device, set_threads

LR_GRID = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
TUNING_SEEDS = (500, 501, 502)


def learning_rates(
    settings: Settings, device: torch.device | str, *, grid: Sequence[float] = LR_GRID
) -> Iterator[tuple[str, str, dict[float, float]]]:
    """Try each learning rate of a grid for each budget and arm.

    Yields:
        Budget's name, arm, and learning rate -> mean balanced accuracy on validation images, in %.
    """
    source, valid, _ = settings.load()
    valid_loader = DeviceLoader(valid, batch_size=1000, device=device)
    for budget, steps in settings.budgets.items():
        for arm in ("balanced", *ARMS):
            draw = settings.balanced_set if arm == "balanced" else settings.step_set
            way = "as it is" if arm == "balanced" else arm
            found, corrected = {}, {}
            for lr in grid:
                values, corrected_values = [], []
                for seed in TUNING_SEEDS:
                    images = draw(source, seed)
                    run = {"steps": steps, "lr": lr, "seed": seed, "device": device}
                    model = settings.train(way, images, **run)
                    logits, labels = collect_logits(model, valid_loader)
                    values.append(100 * balanced_accuracy(logits, labels))
                    logits = correct_prior(logits, class_counts(images))
                    corrected_values.append(100 * balanced_accuracy(logits, labels))
                found[lr], corrected[lr] = mean(values), mean(corrected_values)
            yield budget, arm, found
            if arm == "as it is":
                yield budget, "prior correction", corrected


def main() -> None:
    """Print one line a budget and arm."""
    set_threads()
    for budget, arm, found in learning_rates(settings(), pick_device()):
        row = ", ".join(f"{lr:g}: {value:.1f}" for lr, value in found.items())
        print(f"{budget:5} {arm:16} {row}; best {max(found, key=found.get):g}", flush=True)


if __name__ == "__main__":
    main()
