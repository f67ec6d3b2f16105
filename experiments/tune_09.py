"""Command that carries out lesson 09's comparisons with more seeds and arms than a lesson can.

    python -m experiments.tune_09                   simulated scenes, about 4 minutes a seed
    python -m experiments.tune_09 --harbours FOLDER  sen2ships (`make ships`), five port splits

On one CPU core. All seeds are others than those on which the settings were chosen (500 to 502) and
than the lesson's own. A run that is interrupted goes on with the first seed that is missing.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from course_utils.lessons.data_09 import Counts, ShipData, from_folder
from course_utils.lessons.lesson_09 import ARMS, MORE_ARMS, Arms, Settings, heat_of, settings
from course_utils.lessons.measures_09 import compare_detectors, empty_score
from course_utils.lessons.results_09 import MEASURES
from course_utils.training import pick_device, set_threads
from experiments import store, stored_or

SEEDS = tuple(range(200, 205))
SPLITS = tuple(range(5))  # of the ports of sen2ships
MINED = (40, 600)  # beside the lesson's own number
UNLABELLED = 0.03
# The same settings as the lesson's, but for the tiles' size and the number that is mined; the
# recall was chosen once for all splits, at what a detector reaches on so few ships.
HARBOURS = {"size": 128, "counts": Counts(*[10**6] * 6), "mined": 60}
HARBOURS_RECALL = 0.4


def numbers(models: Mapping[str, nn.Module], data: ShipData, **recall: float) -> dict:
    """Compare detectors at one recall, as plain numbers."""
    comparison = compare_detectors(models, data.valid, data.test, **recall)
    arms = {
        name: {m: round(getattr(arm, m), 4) for m in (*MEASURES, "threshold")}
        for name, arm in comparison.arms.items()
    }
    nothing = round(empty_score(scene.boxes for scene in data.test), 4)
    return {"recall": round(comparison.recall, 4), "finding nothing": nothing, "arms": arms}


def run_seed(lesson: Settings, seed: int, device: torch.device) -> dict:
    """Carry out all comparisons on one seed."""
    arms = Arms(lesson, seed, device)
    pool, count = arms.data.empty, lesson.mined
    models = {"before": arms.first}
    models |= {name: arms.train(name) for name in (*ARMS, *MORE_ARMS)}
    models |= {f"mined {number}": arms.go_on(arms.ranked[:number]) for number in MINED}
    after = models["mined"]
    again = [i for i in heat_of(after, arms.pool.images).argsort(descending=True).tolist()]
    new = [i for i in again if i not in set(arms.ranked[:count])][:count]
    models["one round, trained on"] = arms.go_on(arms.ranked[:count], start=after)
    models["two rounds"] = arms.go_on(arms.ranked[:count] + new, start=after)

    careless = Arms(lesson, seed, device, lesson.load(seed, unlabelled=UNLABELLED))
    careless.first = arms.first  # its images with ships are the same
    hidden = {i for i, s in enumerate(careless.data.empty) if s.name.endswith("-unlabelled")}
    mined = careless.ranked[:count]
    models["as mined"] = careless.go_on(mined)
    models["audited"] = careless.go_on([i for i in mined if i not in hidden])

    def holding(indices: Sequence[int]) -> int:
        return sum(bool(pool[index].kinds) for index in indices)

    by_contrast = arms.by_contrast
    return {
        "seed": seed,
        **numbers(models, arms.data),
        "images": len(pool),
        "mined": count,
        "look-alikes in the pool": holding(range(len(pool))),
        "look-alikes among the mined": holding(arms.ranked[:count]),
        "look-alikes by contrast": holding(by_contrast[:count]),
        "ships in the pool": len(hidden),
        "ships among the mined": len(hidden & set(mined)),
    }


def run_split(folder: Path, split: int, device: torch.device) -> dict:
    """Carry out the lesson's comparison on real harbours, split by port."""
    lesson = replace(settings(), **HARBOURS)
    data = from_folder(folder, lesson.counts, size=lesson.size, seed=split)
    arms = Arms(lesson, split, device, data)
    models = {"before": arms.first} | {name: arms.train(name) for name in ARMS}
    return {
        "seed": split,
        **numbers(models, data, recall=HARBOURS_RECALL),
        "images with ships": len(data.ships),
        "images": len(data.empty),
        "test ships": sum(len(scene.boxes) for scene in data.test),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run every seed that is missing, and write the file after each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", nargs="+", type=int)
    parser.add_argument("--harbours", type=Path, help="a folder in Airbus layout")
    options = parser.parse_args(arguments)
    device = pick_device()
    set_threads()
    name = "harbours_09" if options.harbours else "tune_09"
    content = stored_or(name, {"seeds": []})
    done = {entry["seed"] for entry in content["seeds"]}
    for seed in options.seeds or (SPLITS if options.harbours else SEEDS):
        if seed in done:
            continue
        if options.harbours:
            entry = run_split(options.harbours, seed, device)
        else:
            entry = run_seed(settings(), seed, device)
        content["seeds"].append(entry)
        store(name, content, device)
        found = {name: values["false_alarms"] for name, values in entry["arms"].items()}
        print(f"seed {seed}, false alarms an empty image:", found, flush=True)


if __name__ == "__main__":
    main()
