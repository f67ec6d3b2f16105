"""Command that tunes the schedules of lesson 04 and stores what it found beside the lesson.

    python -m experiments.tune_04              every arm of the small net: half an hour
    python -m experiments.tune_04 --deep       ResNet-20 as well: half an hour more

Each arm (net, batch size, schedule, epochs) gets its learning rate from the same grid, by the mean
accuracy on validation images over seeds of its own; where the best rate lies at the edge, the
grid goes on by factors of two. Then the arm is trained on other seeds and measured on test images.
What those seeds suggest the lesson claims on a third set of seeds ("confirm"), on which nothing
was chosen, neither a learning rate nor the claim itself.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial

from course_utils.data import DeviceLoader
from course_utils.lessons.lesson_04 import Run, Settings, quick_settings
from course_utils.models import CifarResNet, small_cnn
from course_utils.training import NonFiniteLoss, evaluate, pick_device
from experiments import measure_missing, validation_grid

LR_GRID = (0.0125, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
TUNING_SEEDS = (100, 101, 102)
TEST_SEEDS = tuple(range(200, 210))
CONFIRM_SEEDS = tuple(range(300, 310))
CONFIRMED = [("1cycle", "small_cnn", 128), ("linear decay", "small_cnn", 128)]
SMALL = [
    *(("1cycle", 128, epochs) for epochs in (2, 4, 8, 12)),
    *(("linear decay", 128, epochs) for epochs in (2, 4, 8, 12)),
    *(("step decay", 128, epochs) for epochs in (2, 4, 8, 12)),
    *(("constant", 128, epochs) for epochs in (2, 4, 8, 12, 20)),
    ("constant + cooldown", 128, 8),
    ("1cycle with constant momentum", 128, 8),
    *(("1cycle", 512, epochs) for epochs in (8, 16)),
    *(("step decay", 512, epochs) for epochs in (8, 16)),
]
# Arms of which the best rate is known well enough to try three, and more where it is at the edge.
NARROW = [
    *(("constant + cooldown", 128, epochs) for epochs in (2, 4, 12)),
    ("1cycle with a tail of 50 %", 128, 8),
]
DEEP = [("1cycle", 128, 4), ("linear decay", 128, 4)]
NARROW_GRID = (0.1, 0.2, 0.4)


def accuracy(settings: Settings, run: Run, images, measured, device, *, lr: float, seed: int):
    """Train an arm at a learning rate and return its accuracy in % on the images of a set."""
    try:
        model, _ = replace(run, lr=lr).train(settings, images, seed, device=device)
    except NonFiniteLoss:
        return 100 / len(images.class_names)  # that of guessing
    loader = DeviceLoader(measured, batch_size=1000, device=device)
    return round(100 * evaluate(model, loader)[1], 2)


def tune(
    settings: Settings, run: Run, grid: tuple[float, ...], images, device, *, confirm: bool
) -> dict:
    """Choose the learning rate of an arm on validation images; measure it on test images.

    Returns:
        The rates with their validation accuracy, seed by seed; the chosen one; its test accuracy;
        with `confirm` that of the third set of seeds as well.
    """
    train, valid, test = images
    trained = partial(accuracy, settings, run, train)
    best, validation = validation_grid(partial(trained, valid, device), grid, TUNING_SEEDS)
    entry = {
        "lr": best,
        "validation": validation,
        "test": [trained(test, device, lr=best, seed=seed) for seed in TEST_SEEDS],
        "steps": run.epochs * (len(train) // run.batch_size),
    }
    if confirm:
        entry["confirm"] = [trained(test, device, lr=best, seed=seed) for seed in CONFIRM_SEEDS]
    return entry


def main(arguments: list[str] | None = None) -> None:
    """Tune every arm that is not stored yet, writing the file after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deep", action="store_true", help="tune ResNet-20 as well")
    deep = parser.parse_args(arguments).deep
    device = pick_device()
    settings = quick_settings(small_cnn)
    images = settings.load()
    arms = [("small_cnn", settings, arm, LR_GRID) for arm in SMALL]
    arms += [("small_cnn", settings, arm, NARROW_GRID) for arm in NARROW]
    if deep:
        resnet = quick_settings(partial(CifarResNet, 20, channels=1))
        arms += [("ResNet-20", resnet, arm, NARROW_GRID) for arm in DEEP]
    jobs = {}
    for net, net_settings, (schedule, batch_size, epochs), grid in arms:
        run = Run(schedule, epochs, lr=grid[0], batch_size=batch_size)
        confirm = (schedule, net, batch_size) in CONFIRMED
        name = f"{net}, batch {batch_size}, {schedule}, {epochs} epochs"
        jobs[name] = partial(tune, net_settings, run, grid, images, device, confirm=confirm)
    seeds = {"tuning": TUNING_SEEDS, "test": TEST_SEEDS, "confirm": CONFIRM_SEEDS}
    for name, entry, seconds in measure_missing("tune_04", "entries", jobs, seeds, device):
        print(f"{name}: LR {entry['lr']}, test {entry['test']}, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
