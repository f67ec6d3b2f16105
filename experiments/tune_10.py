"""Command that climbs lesson 10's ladder and stores what each rung costs beside the lesson.

    python -m experiments.tune_10              minutes
    python -m experiments.tune_10 --speed      seconds an image; on a machine that does nothing else

The textbook's training of a small convolutional net on Fashion-MNIST, then one change a rung. What
a change brings along (its learning rate, say) comes from a grid, by the mean accuracy on validation
images after 30,720 training images, over three seeds; the grid goes on where the best lies at
its edge. A change that gains at least 0.2 points there, over five seeds, stays, and the next is
made on top of it; one that gains less is measured and left out again. Two change the time alone.

Then, on other seeds, all training images and the test images: the accuracy after 30,720 images, and
with how many images each recipe reaches 88 %. A constant learning rate is measured on its way; a
schedule that ends at zero needs a training for each budget. Budgets lie a factor of 1.41 apart.
Last, each change that stayed is taken away from the top alone; and a control has the textbook's
training at ten times its learning rate, where momentum's steps are about as long. And, on more
seeds than the lesson has time for, what its claims compare: the textbook, and the winner with each
schedule after a quarter as many images.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import partial
from itertools import islice
from statistics import mean, median

import torch

from course_utils.data import DeviceLoader, load_fashion_mnist, split_images
from course_utils.lessons.race_10 import Recipe, accuracies
from course_utils.lr import find_lr
from course_utils.training import set_seed, set_threads
from experiments import measure_missing, store, stored_or, validation_grid

WIDTH = 16
TARGET = 88.0
BUDGET = 30_720
BUDGETS = (
    *(7680, 10_752, 15_360, 21_760, BUDGET, 43_520, 61_440, 86_784),
    *(122_880, 173_824, 245_760, 347_648, 491_520, 695_296),
)
LEAST_GAIN = 0.2
SIZES = (50_000, 10_000)  # to train and to choose on, of the training images
SWEEP_SEEDS = (110, 111, 112, 113, 114)
TUNING_SEEDS = (100, 101, 102)
CLIMBING_SEEDS = (*TUNING_SEEDS, 103, 104)  # decide whether a change stays
TEST_SEEDS = (200, 201, 202, 203, 204)
SHORT, SHORT_SEEDS = 7680, tuple(range(300, 320))
CPU = torch.device("cpu")
TEXTBOOK = Recipe(on_device=False)
# Rung -> what changes, and the grid that it brings along.
CHANGES: Mapping[str, tuple[dict, str, tuple[float, ...]]] = {
    "images on the device": ({"on_device": True}, "", ()),
    "momentum": ({"momentum": 0.9}, "lr", (0.00625, 0.0125, 0.025, 0.05)),
    "channels last": ({"channels_last": True}, "", ()),
    "decay to zero": ({"schedule": "linear decay"}, "lr", (0.0125, 0.025, 0.05, 0.1)),
    "1cycle": ({"schedule": "1cycle"}, "lr", (0.025, 0.05, 0.1, 0.2)),
    "flip": ({"flip": True}, "", ()),
    "label smoothing": ({"smoothing": 0.1}, "", ()),
    "moving average": ({}, "average", (12.5, 25, 50, 100)),
    "Muon": ({}, "muon", (0.01, 0.02, 0.04)),
    "batch 256": ({"batch_size": 256}, "muon", (0.02, 0.04, 0.08)),
}
TIME_ALONE = {"images on the device": True, "channels last": False}  # rung -> whether it stays


def finder_lr(recipe: Recipe, images) -> float:
    """Return the median suggestion of the finder over its seeds."""

    def sweep(seed: int) -> float:
        set_seed(seed)
        net = recipe.net(images, WIDTH, CPU)
        batches = recipe.batches(images, seed, CPU)
        return find_lr(net, *recipe.optimizers(net), list(islice(batches, 200))).suggestion()

    return median(map(sweep, SWEEP_SEEDS))


def climb(images, valid: DeviceLoader) -> dict[str, dict]:
    """Return rung -> its recipe, what it gave on validation images, and whether it stays."""

    def accuracy(recipe: Recipe, seed: int) -> float:
        return next(accuracies(recipe, images, valid, [BUDGET], width=WIDTH, seed=seed))

    def validate(recipe: Recipe) -> list[float]:
        return [round(accuracy(recipe, seed), 2) for seed in CLIMBING_SEEDS]

    top = replace(TEXTBOOK, on_device=True)  # the same steps as the textbook's, in another order
    best = validate(top)
    rungs = {"textbook": {"recipe": asdict(TEXTBOOK), "validation": best, "stays": True}}
    for name, (change, tuned, grid) in CHANGES.items():
        recipe = replace(top, **change)
        rungs[name] = entry = {}
        if name == "momentum":
            entry["finder"] = round(finder_lr(recipe, images), 4)
        if grid:

            def tried(lr: float, seed: int, recipe=recipe, tuned=tuned) -> float:
                return accuracy(replace(recipe, **{tuned: lr}), seed)

            value, entry["grid"] = validation_grid(tried, grid, TUNING_SEEDS)
            recipe = replace(recipe, **{tuned: value})
        reached = best if name in TIME_ALONE else validate(recipe)
        stays = TIME_ALONE.get(name, mean(reached) - mean(best) >= LEAST_GAIN)
        entry |= {"recipe": asdict(recipe), "validation": reached, "stays": stays}
        print(f"{name}: {entry}", flush=True)
        if stays:
            top, best = recipe, reached
    return rungs


def race(recipe: Recipe, images, test: DeviceLoader) -> dict:
    """Return accuracies at the fixed budget, and the images to the target, a seed each."""

    def run(budgets, seed: int):
        return accuracies(recipe, images, test, budgets, width=WIDTH, seed=seed)

    at_budget, to_target = [], []
    for seed in TEST_SEEDS:
        if recipe.schedule == "constant":
            reached = {}
            for budget, accuracy in zip(BUDGETS, run(BUDGETS, seed), strict=False):
                reached[budget] = accuracy
                if accuracy >= TARGET and budget >= BUDGET:
                    break
        else:
            reached = {BUDGET: next(run([BUDGET], seed))}
            position = BUDGETS.index(BUDGET)
            step = -1 if reached[BUDGET] >= TARGET else 1
            while 0 <= position + step < len(BUDGETS):
                position += step
                reached[BUDGETS[position]] = next(run([BUDGETS[position]], seed))
                if (reached[BUDGETS[position]] >= TARGET) == (step > 0):
                    break
        at_budget.append(round(reached[BUDGET], 2))
        to_target.append(min(b for b, accuracy in reached.items() if accuracy >= TARGET))
    return {"accuracy": at_budget, "images": to_target}


def after(budget: int, recipe: Recipe, images, test: DeviceLoader) -> dict:
    """Return accuracies after a budget of images, a seed each."""
    runs = [
        accuracies(recipe, images, test, [budget], width=WIDTH, seed=seed) for seed in SHORT_SEEDS
    ]
    return {"images": budget, "accuracy": [round(next(run), 2) for run in runs]}


def ablation(rungs: Mapping[str, dict]) -> dict[str, Recipe]:
    """Return the top recipe, it with each change that stayed taken back, and its other schedule."""
    stayed = [name for name in CHANGES if rungs[name]["stays"] and name not in TIME_ALONE]
    top = Recipe(**rungs[stayed[-1]]["recipe"])
    recipes = {"the top": top}
    for name in stayed:
        change, tuned, _ = CHANGES[name]
        if any(getattr(top, field) != value for field, value in change.items()):
            continue  # a later change has replaced it
        back = {field: getattr(TEXTBOOK, field) for field in {*change, tuned} - {"", "lr"}}
        if "momentum" in back:  # steps as long as with it
            back["lr"] = top.lr / (1 - top.momentum)
        recipes[f"without {name}"] = replace(top, **back)
    other = "linear decay" if top.schedule == "1cycle" else "1cycle"
    recipes[f"with {other}"] = replace(top, schedule=other)
    return recipes


def seconds(rungs: Mapping[str, dict], images) -> dict[str, float]:
    """Return rung -> seconds of training for 1,000 images, the median of five looks in turn."""
    looks: dict[str, list[float]] = {name: [] for name in rungs}
    few = images.subset(range(min(6400, len(images))))
    measured = DeviceLoader(few.subset(range(100)), batch_size=100)
    for _ in range(5):
        for name, entry in rungs.items():
            start = time.perf_counter()
            run = accuracies(Recipe(**entry["recipe"]), few, measured, [7680], width=WIDTH, seed=0)
            next(run)
            looks[name].append((time.perf_counter() - start) / 7.68)
    return {name: round(median(values), 4) for name, values in looks.items()}


def main(arguments: list[str] | None = None) -> None:
    """Measure what is not stored yet, writing the file after each; or the seconds alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speed", action="store_true", help="measure the seconds an image anew")
    asked = parser.parse_args(arguments)
    images, test = load_fashion_mnist()
    parts = ("rungs", "race", "ablation", "controls", "short", "seconds")
    stored = stored_or("tune_10", {part: {} for part in parts})
    stored |= {"target": TARGET, "budget": BUDGET}
    if not stored["rungs"]:
        train, valid = split_images(images, SIZES, seed=0)
        stored["rungs"] = climb(train, DeviceLoader(valid, batch_size=1000))
    store("tune_10", stored, CPU)
    rungs = stored["rungs"]
    if asked.speed:
        set_threads(2)
        stored["seconds"] = seconds(rungs, images)
        store("tune_10", stored, CPU)
        print(stored["seconds"])
        return
    measured = DeviceLoader(test, batch_size=1000)
    seeds = {
        "sweep": SWEEP_SEEDS,
        "tuning": TUNING_SEEDS,
        "climbing": CLIMBING_SEEDS,
        "test": TEST_SEEDS,
        "short": SHORT_SEEDS,
    }
    # The textbook takes the same steps from a tensor, in another order.
    recipes = {name: Recipe(**{**rungs[name]["recipe"], "on_device": True}) for name in rungs}
    alone = ablation(rungs)
    races = {
        "race": {name: recipe for name, recipe in recipes.items() if name not in TIME_ALONE},
        "ablation": alone,
        "controls": {"no momentum, LR 0.1": replace(TEXTBOOK, on_device=True, lr=0.1)},
    }
    parts = {
        part: {name: partial(race, recipe, images, measured) for name, recipe in entries.items()}
        for part, entries in races.items()
    }
    winner = replace(alone["the top"], schedule="linear decay")
    short = {
        "textbook": (recipes["textbook"], 4 * SHORT),
        "winner": (winner, SHORT),
        "winner, constant LR": (replace(winner, schedule="constant"), SHORT),
        "winner, 1cycle": (replace(winner, schedule="1cycle"), SHORT),
    }
    parts["short"] = {
        name: partial(after, budget, recipe, images, measured)
        for name, (recipe, budget) in short.items()
    }
    for part, jobs in parts.items():
        for name, entry, took in measure_missing("tune_10", part, jobs, seeds, CPU):
            print(f"{name}: {entry}, {took:.0f} s", flush=True)


if __name__ == "__main__":
    main()
