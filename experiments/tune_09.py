"""Command that carries out lesson 09's comparisons with more seeds and arms than a lesson can.

    python -m experiments.tune_09       20 minutes on one CPU core

All seeds are others than those on which the settings were chosen (500 to 502) and than the
lesson's own. A run that is interrupted goes on with the first seed that is missing.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from course_utils.detection import mine_hard_negatives
from course_utils.lessons.arms_09 import ARMS, MORE_ARMS, Arms
from course_utils.lessons.data_09 import ShipData
from course_utils.lessons.lesson_09 import Settings, settings
from course_utils.lessons.measures_09 import measure
from course_utils.lessons.results_09 import MEASURES
from course_utils.training import pick_device, set_threads
from experiments import store, stored_or

SEEDS = tuple(range(200, 205))
MINED = (50, 100, 400, 800)  # beside the lesson's own number
UNLABELLED = 0.03
LONGER = 4  # times as many steps, on the first three seeds
LONGER_ARMS = ("mined", "natural mix", "focal loss")


def numbers(model: nn.Module, data: ShipData) -> dict[str, float]:
    """Measure a detector, as plain numbers."""
    measured = measure(model, data)
    return {name: round(getattr(measured, name), 4) for name in (*MEASURES, "threshold")}


def compare(arms: Arms) -> dict[str, dict]:
    """Measure the first detector and every arm of one seed."""
    measured = {"before": numbers(arms.first, arms.data)}
    for name in (*ARMS, *MORE_ARMS):
        measured[name] = numbers(arms.train(name), arms.data)
    return measured


def how_many(arms: Arms) -> dict[int, dict]:
    """Measure detectors that went on with other numbers of the hardest images.

    Images in which nothing was found are all alike to mining: they follow in random order.
    """
    found = mine_hard_negatives(
        arms.first, arms.data.empty, max_negatives=len(arms.data.empty)
    ).indices
    known = set(found)
    ranked = found + [i for i in arms.random(len(arms.data.empty)) if i not in known]
    return {count: numbers(arms.go_on(ranked[:count]), arms.data) for count in MINED}


def longer(arms: Arms) -> dict[str, dict]:
    """Measure arms of which every training takes four times as many steps."""
    lesson = arms.settings
    more = replace(
        lesson,
        first_steps=LONGER * lesson.first_steps,
        more_steps=LONGER * lesson.more_steps,
    )
    patient = Arms(more, arms.seed, arms.device)
    measured = {"before": numbers(patient.first, patient.data)}
    for name in LONGER_ARMS:
        measured[name] = numbers(patient.train(name), patient.data)
    return measured


def second_round(arms: Arms) -> dict[str, dict]:
    """Measure a second round of mining against as many steps more without it."""
    indices = arms.mined.indices
    after_one = arms.go_on(indices)
    again = mine_hard_negatives(
        after_one, arms.data.empty, max_negatives=arms.settings.mined, exclude=indices
    )
    return {
        "one round, trained on": numbers(arms.go_on(indices, start=after_one), arms.data),
        "two rounds": numbers(arms.go_on(indices + again.indices, start=after_one), arms.data),
    }


def with_unlabelled(clean: Arms) -> dict:
    """Measure what ships without a label do to mining, and what an audit does about it."""
    arms = Arms(clean.settings, clean.seed, clean.device, unlabelled=UNLABELLED)
    arms.first = clean.first  # its images with ships are the same
    ships = {i for i, scene in enumerate(arms.data.empty) if scene.name.endswith("-unlabelled")}
    indices = arms.mined.indices
    return {
        "ships in the pool": len(ships),
        "ships among the mined": len(ships & set(indices)),
        "as mined": numbers(arms.go_on(indices), arms.data),
        "audited": numbers(arms.go_on([i for i in indices if i not in ships]), arms.data),
    }


def run_seed(lesson: Settings, seed: int, device: torch.device) -> dict:
    """Carry out all comparisons on one seed."""
    arms = Arms(lesson, seed, device)
    entry = {
        "seed": seed,
        "arms": compare(arms),
        "look-alikes in the pool": sum(bool(scene.kinds) for scene in arms.data.empty),
        "look-alikes among the mined": sum(
            bool(arms.data.empty[index].kinds) for index in arms.mined.indices
        ),
        "mined": how_many(arms),
        "rounds": second_round(arms),
        "unlabelled": with_unlabelled(arms),
    }
    if seed in SEEDS[:3]:
        entry["longer"] = longer(arms)
    return entry


def main(arguments: Sequence[str] | None = None) -> None:
    """Run every seed that is missing, and write the file after each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=SEEDS)
    options = parser.parse_args(arguments)
    device = pick_device()
    set_threads()
    content = stored_or("tune_09", {"seeds": []})
    done = {entry["seed"] for entry in content["seeds"]}
    for seed in options.seeds:
        if seed in done:
            continue
        entry = run_seed(settings(), seed, device)
        content["seeds"].append(entry)
        store("tune_09", content, device)
        found = {name: values["false_positives"] for name, values in entry["arms"].items()}
        print(f"seed {seed}, false positives an empty image:", found, flush=True)


if __name__ == "__main__":
    main()
