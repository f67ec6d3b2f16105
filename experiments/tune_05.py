"""Command that carries out lesson 05's comparison beyond what a lesson has time for.

    python -m experiments.tune_05       a quarter of an hour on one CPU core

The lesson's own net is measured with as many seeds as it takes to see the published gains; a
convolutional net with ten. Each momentum schedule gets its peak from the same grid, by the mean
accuracy on validation images; then it is trained on other seeds and measured on test images.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from statistics import mean

import torch

from course_utils.data import DeviceLoader
from course_utils.lessons.lesson_05 import ARMS, Settings, best_peak, quick_settings
from course_utils.models import simple_net, small_cnn
from course_utils.training import pick_device
from experiments import store

SWEEP_SEEDS = tuple(range(100, 105))
# name -> model, peaks, number of seeds to measure with
NETS = {
    "simple_net": (partial(simple_net, 14 * 14), (0.025, 0.05, 0.1, 0.2, 0.4), 400),
    "small_cnn": (small_cnn, (0.05, 0.1, 0.2, 0.4, 0.8, 1.6), 10),
}


def tune(settings: Settings, device: torch.device) -> dict[str, dict]:
    """Choose each arm's peak on validation images and measure it on test images.

    Returns:
        Arm -> peaks with their validation accuracies (%), the chosen peak, its test accuracies (%).
    """
    train, valid, test = settings.load()
    valid_loader = DeviceLoader(valid, batch_size=1000, device=device)
    test_loader = DeviceLoader(test, batch_size=1000, device=device)

    def accuracies(measured, seeds, **arm_and_peak) -> list[float]:
        return [
            round(settings.accuracy(train, measured, seed=seed, device=device, **arm_and_peak), 2)
            for seed in seeds
        ]

    arms = {}
    for arm in ARMS:
        validation = {
            peak: accuracies(valid_loader, settings.sweep_seeds, arm=arm, peak=peak)
            for peak in settings.peaks
        }
        peak = best_peak(validation)
        measured = accuracies(test_loader, settings.test_seeds, arm=arm, peak=peak)
        arms[arm] = {"validation": validation, "peak": peak, "test": measured}
        print(f"{arm}: peak {peak}, test {mean(measured):.2f} %", flush=True)
    return arms


def main() -> None:
    """Tune and measure every arm with every net, and write the file."""
    device = pick_device()
    content = {"nets": {}}
    for net, (model, peaks, number) in NETS.items():
        print(net, flush=True)
        test_seeds = tuple(range(200, 200 + number))
        settings = replace(
            quick_settings(model, peaks), sweep_seeds=SWEEP_SEEDS, test_seeds=test_seeds
        )
        content["nets"][net] = tune(settings, device)
    store("tune_05", content, device)


if __name__ == "__main__":
    main()
