"""Command that carries out lesson 09's comparisons with more seeds and arms than a lesson can.

    python -m experiments.tune_09                   simulated scenes, about 4 minutes a seed
    python -m experiments.tune_09 --choose           the settings that were tried
    python -m experiments.tune_09 --harbours FOLDER  sen2ships (`make ships`), five port splits

On one CPU core. The first command's seeds are others than those on which the settings were chosen,
and than the lesson's own. A run that is interrupted goes on with the first seed that is missing.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import nn

from course_utils.lessons.data_09 import Counts, ShipData, from_folder
from course_utils.lessons.lesson_09 import ARMS, MORE_ARMS, Arms, Settings, heat_of, settings
from course_utils.lessons.measures_09 import MEASURES, RECALL, compare_at_recall, empty_score, pairs
from course_utils.training import pick_device, set_threads
from experiments import store, stored_or

SEEDS = tuple(range(210, 215))
CHOOSING = (500, 501)
# What was tried: (first_steps, more_steps, second_peak), and the lesson's own is among them.
TRIED = ((300, 300, 0.01), (200, 300, 0.02), (200, 400, 0.01), (200, 400, 0.02))
HIGHER = 0.7  # recall at which the arms are compared as well
SPLITS = tuple(range(5))  # of the ports of sen2ships
MINED = (40, 600)  # beside the lesson's own number
UNLABELLED = 0.03
# The same settings as the lesson's, but for the tiles' size and the number that is mined; the
# recall was chosen once for all splits, at what a detector reaches on so few ships.
HARBOURS = {"size": 128, "counts": Counts(*[10**6] * 6), "mined": 60}
HARBOURS_RECALL = 0.4


def numbers(
    models: Mapping[str, nn.Module], data: ShipData, recall: float = RECALL, higher: float = HIGHER
) -> dict:
    """Compare detectors at one recall, as plain numbers, with the false alarms at a higher one."""
    valid, test = (
        {name: pairs(model, part) for name, model in models.items()}
        for part in (data.valid, data.test)
    )
    comparison = compare_at_recall(valid, test, recall)
    arms = {
        name: {m: round(getattr(arm, m), 4) for m in (*MEASURES, "threshold")}
        for name, arm in comparison.arms.items()
    }
    for name, arm in compare_at_recall(valid, test, higher).arms.items():
        arms[name]["at higher recall"] = round(arm.false_alarms, 4)
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


def run_choice(lesson: Settings, seed: int, device: torch.device) -> dict:
    """Train three arms by each setting that was tried, on one seed."""
    data, tried = lesson.load(seed), {}
    for first, more, peak in TRIED:
        changes = {"first_steps": first, "more_steps": more, "second_peak": peak}
        arms = Arms(replace(lesson, **changes), seed, device, data)
        models = {"before": arms.first}
        models |= {name: arms.train(name) for name in ("mined", "random")}
        tried[f"{first} + {more} steps, {peak}"] = numbers(models, data)["arms"]
    return {"seed": seed, "tried": tried}


def run_split(folder: Path, seed: int, device: torch.device) -> dict:
    """Carry out the lesson's comparison on real harbours, split by port."""
    lesson = replace(settings(), **HARBOURS)
    data = from_folder(folder, lesson.counts, size=lesson.size, seed=seed)
    arms = Arms(lesson, seed, device, data)
    models = {"before": arms.first} | {name: arms.train(name) for name in ARMS}
    return {
        "seed": seed,
        **numbers(models, data, HARBOURS_RECALL, HARBOURS_RECALL),
        "images with ships": len(data.ships),
        "images": len(data.empty),
        "test ships": sum(len(scene.boxes) for scene in data.test),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run every seed that is missing, and write the file after each."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", nargs="+", type=int)
    parser.add_argument("--harbours", type=Path, help="a folder in Airbus layout")
    parser.add_argument("--choose", action="store_true", help="try other settings")
    options = parser.parse_args(arguments)
    device = pick_device()
    set_threads()
    if options.harbours:
        name, seeds = "harbours_09", SPLITS
        run = partial(run_split, options.harbours)
    elif options.choose:
        name, seeds, run = "choice_09", CHOOSING, partial(run_choice, settings())
    else:
        name, seeds, run = "tune_09", SEEDS, partial(run_seed, settings())
    content = stored_or(name, {"seeds": []})
    done = {entry["seed"] for entry in content["seeds"]}
    for seed in options.seeds or seeds:
        if seed in done:
            continue
        content["seeds"].append(run(seed=seed, device=device))
        store(name, content, device)
        print(f"seed {seed} is stored in {name}", flush=True)


if __name__ == "__main__":
    main()
