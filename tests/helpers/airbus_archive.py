"""A generated archive in the layout of Kaggle's Airbus challenge, of any size.

python tests/helpers/airbus_archive.py FOLDER COUNT SIZE
"""

import csv
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.detection import SimulatedScenes, encode_rle


def write_archive(folder, count, size, *, with_ships=0.25, seed=0):
    """Write `count` images, a part of them with ships, whose boxes are the masks; no ports."""
    (folder / "train_v2").mkdir(parents=True)
    kinds = [
        SimulatedScenes(count, ships, seed=seed, size=size, look_alikes=0.5, first_family=first)
        for ships, first in ((True, 0), (False, 1000))
    ]
    with open(folder / "train_ship_segmentations_v2.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["ImageId", "EncodedPixels"])
        for number in range(count):
            scene = kinds[number >= with_ships * count][number]
            name = f"{number * 7919 % 1_000_003:08x}.jpg"
            pixels = scene.image.permute(1, 2, 0).numpy()
            Image.fromarray(pixels).save(folder / "train_v2" / name, quality=90)
            free, codes = np.ones((size, size), bool), []
            for x0, y0, x1, y1 in scene.boxes.int().tolist():
                mask = np.zeros((size, size), bool)
                mask[y0:y1, x0:x1] = True
                codes.append(encode_rle(mask & free))
                free &= ~mask
            table.writerows([name, code] for code in codes or [""])
    return folder


if __name__ == "__main__":
    write_archive(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
