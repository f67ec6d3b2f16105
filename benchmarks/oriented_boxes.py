"""Where oriented boxes pay: how much of its box a ship fills, upright and oriented.

    python benchmarks/oriented_boxes.py FOLDER

FOLDER holds images in Airbus layout (`course_utils.airbus`). The share that a ship fills is the
intersection over union of its mask with its perfect box. Where it is at most .5, that box is no hit
in the Airbus challenge, which compares masks; its score counts hits at .5, .55, ..., .95.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from benchmarks.oriented_box import box_fill, mask_to_oriented_box
from course_utils.detection.airbus import AirbusFolder
from course_utils.detection.metrics import THRESHOLDS


def measure(folder: AirbusFolder) -> np.ndarray:
    """Return a row a ship: length / width, degrees off the axes, both shares."""
    rows = []
    for index in folder.with_ships:
        for mask in folder.masks(index).numpy():
            box = mask_to_oriented_box(mask)
            off = np.degrees(np.arcsin(abs(np.sin(2 * box.heading)))) / 2
            rows.append([box.length / box.width, off, *box_fill(mask)])
    return np.array(rows)


def line(what: str, shares: np.ndarray) -> str:
    """Describe a group of ships by its shares (n, 2), upright and oriented."""
    if not len(shares):
        return f"{what:38}{0:6}"
    numbers = [*np.median(shares, axis=0), *(100 * (shares <= 0.5).mean(0))]
    hits = (shares[:, None] > np.array(THRESHOLDS)[:, None]).mean((0, 1))
    upright, oriented, low_upright, low_oriented = numbers
    return (
        f"{what:38}{len(shares):6}{upright:10.2f}{oriented:10.2f}{low_upright:9.1f} %"
        f"{low_oriented:8.1f} %{hits[0]:10.2f}{hits[1]:10.2f}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    ships = measure(AirbusFolder(parser.parse_args().folder))
    if not len(ships):
        print("No image of the folder has a ship: give one with ships.")
        return 1
    ratio, off, shares = ships[:, 0], ships[:, 1], ships[:, 2:]
    print(f"{'':44}{'median share':>20}{'share <= .5':>21}{'hits of a perfect box':>22}")
    names = ("upright", "oriented")
    print(f"{'ships':38}{'number':>6}{names[0]:>10}{names[1]:>10}", end="")
    print(f"{names[0]:>11}{names[1]:>10}{names[0]:>10}{names[1]:>10}")
    long, aslant = ratio >= 2.5, off >= 15
    print(line("all", shares))
    print(line("2.5 widths or longer, 15 degrees off", shares[long & aslant]))
    print(line("shorter, 15 degrees off", shares[~long & aslant]))
    print(line("within 15 degrees of the axes", shares[~aslant]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
