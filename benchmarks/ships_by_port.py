"""Lesson 09's protocol on a folder of real images in Airbus layout, over several splits by port.

    python benchmarks/ships_by_port.py FOLDER [--splits 5 --recall 0.5 --mined 60]

Ship images alone; then on with mined images, with as many random ones, or with ship images alone,
all with the same number of steps. Thresholds come from other ports than the measurement. Prints
each split, and means with 95 % intervals; nothing is held to a bar. With few images a recall of
90 % is out of reach: ask for one that every arm reaches.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import replace

from course_utils.lessons.arms_09 import Arms
from course_utils.lessons.data_09 import Counts
from course_utils.lessons.lesson_09 import Settings, settings
from course_utils.lessons.measures_09 import measure
from course_utils.teaching.claims import format_interval, mean_interval
from course_utils.training.device import pick_device, set_threads

NAMES = ("before", "ships only", "mined", "random")
MEASURES = ("false_positives", "recall", "average_precision", "f2", "threshold")
ALL = 10**6  # take every image that there is


def of_the_lesson(mined: int) -> Settings:
    """Take the quick lesson's settings, with every image of the folder in its own size."""
    return replace(settings(), counts=Counts(*[ALL] * 6), size=128, mined=mined)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--recall", type=float, default=0.9)
    parser.add_argument("--mined", type=int, default=60)
    options = parser.parse_args()
    os.environ["COURSE_DATA"] = options.folder
    set_threads()
    device = pick_device()
    results = {name: [] for name in NAMES}
    for seed in range(options.splits):
        arms = Arms(of_the_lesson(options.mined), seed, device)
        data = arms.data
        ships = sum(len(scene.boxes) for scene in data.test)
        print(
            f"split {seed}: {len(data.ships)} images with ships, {len(data.empty)} without; "
            f"validation {len(data.valid)}, test {len(data.test)} images with {ships} ships",
            flush=True,
        )
        for name in NAMES:
            model = arms.first if name == "before" else arms.train(name)
            result = measure(model, data, recall=options.recall)
            results[name].append(result)
            words = ", ".join(f"{m} {getattr(result, m):.3f}" for m in MEASURES)
            print(f"  {name:10} {words}", flush=True)
    print(
        f"\n{'mean over splits':16}" + "".join(f"{measure_name:>20}" for measure_name in MEASURES)
    )
    for name, runs in results.items():
        cells = [format_interval(*mean_interval([getattr(r, m) for r in runs])) for m in MEASURES]
        print(f"{name:16}" + "".join(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    main()
