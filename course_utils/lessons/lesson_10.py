"""Lesson 10, the speedrun: its settings in each profile, the ladder's figures, the leaderboard."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes

from course_utils.data import DeviceLoader, ImageDataset, load_images
from course_utils.data.datasets import fashion_mnist_folder
from course_utils.lessons import stored_results
from course_utils.lessons.exercise_10 import EXERCISE, MeteredNet, marks
from course_utils.lessons.race_10 import Recipe, accuracies
from course_utils.plotting import SERIES
from course_utils.profiles import choose, seeds
from course_utils.teaching import format_interval, mean_interval, progress
from course_utils.training import evaluate, set_seed

EXAMPLE = "the course's example"  # on the leaderboard, where the exercise is not solved


@dataclass(frozen=True)
class Settings:
    """What a profile decides: the net's width, and how many images train it.

    Attributes:
        width: of the net, in channels after the first convolution.
        budget: images of the learner's own training, and of the stored accuracies.
        short: images of the winner in the comparison.
        factor: how many times as many the textbook gets.
        seeds: of the comparison.
    """

    width: int
    budget: int
    short: int
    factor: int
    seeds: tuple[int, ...]


def settings() -> Settings:
    """Return the settings of the running profile."""
    return choose(
        quick=Settings(16, 30_720, 7680, 4, seeds(4)),
        full=Settings(64, 153_600, 38_400, 4, seeds(4)),
        smoke=Settings(4, 256, 128, 2, seeds(3)),
    )


def load() -> tuple[ImageDataset, ImageDataset]:
    """Load all training and test images.

    The lesson's file of forty lines knows nothing of this course: it learns from the environment
    where Fashion-MNIST lies and how many images may train it.
    """
    os.environ.setdefault("FASHION_MNIST", str(fashion_mnist_folder()))
    os.environ.setdefault("BUDGET", str(settings().budget))
    return load_images()


def recipes() -> dict[str, Recipe]:
    """Return the ladder's rungs by their names, as they were stored, without the DataLoader."""
    rungs = stored_results("tune_10")["rungs"]
    return {name: Recipe(**{**rung["recipe"], "on_device": True}) for name, rung in rungs.items()}


def winner() -> Recipe:
    """Return the highest rung that stayed, with the simpler schedule, which is as good there."""
    return replace(recipes()[top_rung(stored_results("tune_10"))], schedule="linear decay")


def top_rung(stored: Mapping) -> str:
    """Name the highest rung that stayed."""
    return [name for name, rung in stored["rungs"].items() if rung["stays"]][-1]


def paired(
    entries: Mapping[str, tuple[Recipe, int]],
    images: ImageDataset,
    measured: DeviceLoader,
    settings: Settings,
) -> dict[str, list[float]]:
    """Train by each recipe with the lesson's seeds.

    Args:
        entries: label -> recipe, and how many images train it.
        images: to train on.
        measured: to measure on, on the device that trains.
        settings: of the running profile.

    Returns:
        Label -> accuracies in %, one a seed.
    """
    return {
        label: [
            next(accuracies(recipe, images, measured, [budget], width=settings.width, seed=seed))
            for seed in settings.seeds
        ]
        for label, (recipe, budget) in entries.items()
    }


def below(stored: Mapping) -> dict[str, str]:
    """Return rung -> the rung that was raced and that it stands on; the textbook on none."""
    under, last = {}, None
    for name, rung in stored["rungs"].items():
        under[name] = last
        last = name if rung["stays"] and name in stored["race"] else last
    return under


def images_to_target(stored: Mapping) -> dict[str, list[int]]:
    """Return rung -> images until the target accuracy, one a seed.

    A rung that changes the time alone has those of the rung that it stands on.
    """
    under, race = below(stored), stored["race"]
    return {name: race[name if name in race else under[name]]["images"] for name in under}


def seconds_to_target(stored: Mapping) -> dict[str, list[float]]:
    """Return rung -> seconds of training until the target accuracy, one a seed."""
    return {
        name: [stored["seconds"][name] * count / 1000 for count in images]
        for name, images in images_to_target(stored).items()
    }


def images_saved(stored: Mapping) -> dict[str, float]:
    """Return rung -> factor of images that it saves on the rung that it stands on."""
    images, under = images_to_target(stored), below(stored)
    return {
        name: float(np.exp(np.log(np.divide(images[under[name]], images[name])).mean()))
        for name in images
        if under[name]
    }


def whole_ladder(stored: Mapping) -> dict[str, tuple[float, float, float]]:
    """Return by how much the highest rung that stayed undercuts the textbook.

    Returns:
        "images" and "seconds" -> factor over the seeds, low and high end of its 95 % interval.
    """
    top, factors = top_rung(stored), {}
    for unit, costs in (("images", images_to_target), ("seconds", seconds_to_target)):
        rungs = costs(stored)
        middle, half = mean_interval(np.log(np.divide(rungs["textbook"], rungs[top])))
        factors[unit] = tuple(float(np.exp(middle + off)) for off in (0, -half, half))
    return factors


def ladder_table(stored: Mapping) -> str:
    """Lay the ladder out as a plain-text table, a row a rung."""
    images, seconds, race = images_to_target(stored), seconds_to_target(stored), stored["race"]
    rows = [f"{'':21} {'LR':>6}  {'accuracy, gained':21} {'images':>8} {'seconds':>8}"]
    for name, under in below(stored).items():
        rung, reached = stored["rungs"][name], ""
        if name in race:
            reached = f"{fmean(race[name]['accuracy']):.1f} %"
        if name in race and under:
            gained = np.subtract(race[name]["accuracy"], race[under]["accuracy"])
            reached += f", {format_interval(*mean_interval(gained))}"
        costs = f"{fmean(images[name]):8,.0f} {fmean(seconds[name]):8.1f}"
        words = "" if rung["stays"] else "  taken back"
        rows.append(f"{name:21} {rung['recipe']['lr']:6g}  {reached:21} {costs}{words}")
    return "\n".join(rows)


def plot_ladder(axes: Sequence[Axes], stored: Mapping) -> None:
    """Draw what each rung costs: images and seconds to the target accuracy, log scales.

    Args:
        axes: two, side by side, that share their rows.
        stored: what `experiments.tune_10` has measured.
    """
    costs = {"images": images_to_target(stored), "seconds": seconds_to_target(stored)}
    for ax, (unit, rungs) in zip(axes, costs.items(), strict=True):
        for row, (name, values) in enumerate(rungs.items()):
            stays = stored["rungs"][name]["stays"]
            colour, marker = (SERIES[0], "o") if stays else (SERIES[1], "X")
            ax.plot(values, [row] * len(values), ".", color=colour, alpha=0.5)
            ax.plot(fmean(values), row, marker, color=colour, ms=9)
        ax.set(xscale="log", ylim=(len(rungs) - 0.5, -0.5))
        ax.set_xticks([30_000, 100_000, 300_000] if unit == "images" else [5, 10, 20, 50])
        ax.xaxis.set_major_formatter("{x:,.0f}")
        ax.minorticks_off()
        ax.set_xlabel(f"{unit} to {stored['target']:g} % (log scale)")
    axes[0].set_yticks(range(len(rungs)), list(rungs))


def enter(name: str, train: Callable, sets: tuple, settings: Settings, device) -> None:
    """Train the race's net by a learner's own function, keep its score, and print it.

    Args:
        name: of the entry; an older one of this name is replaced. The exercise's reference has its
            own.
        train: the function, as the exercise asks for it.
        sets: training and test images.
        settings: of the running profile.
        device: that trains.

    Raises:
        RuntimeError: more images than the budget trained the net, or those of the test set.
    """
    images, test = sets
    set_seed(0)
    net = MeteredNet(images, marks(test.images), settings.budget, settings.width).to(device)
    train(net, images.images.to(device), images.labels.to(device), settings.budget)
    measured = DeviceLoader(test, batch_size=1000, device=device)
    accuracy = 100 * evaluate(net.net, measured)[1]
    name = EXAMPLE if train is EXERCISE.reference else name
    progress.record("10", "leaderboard", name, round(accuracy, 2))
    print(f"{name}: {accuracy:.1f} % after {settings.budget:,} images")


def plot_leaderboard(ax: Axes, stored: Mapping) -> None:
    """Draw the rungs' stored accuracies at the budget and the learner's own entries, best on top.

    Args:
        ax: where to draw.
        stored: what `experiments.tune_10` has measured.
    """
    own = progress.load().get("10", {}).get("leaderboard", {})
    rows = {name: (fmean(one["accuracy"]), SERIES[0]) for name, one in stored["race"].items()}
    rows |= {
        name if name == EXAMPLE else f"yours: {name}": (accuracy, SERIES[1])
        for name, accuracy in own.items()
    }
    ranked = sorted(rows.items(), key=lambda row: row[1][0], reverse=True)
    for row, (_, (accuracy, colour)) in enumerate(ranked):
        ax.plot(accuracy, row, "o", color=colour, ms=9)
    ax.set_yticks(range(len(ranked)), [name for name, _ in ranked])
    ax.set_ylim(len(ranked) - 0.5, -0.5)
    ax.set_xlabel(f"test accuracy after {stored['budget']:,} images (%)")
