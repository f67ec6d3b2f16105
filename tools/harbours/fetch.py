"""Fetches real harbours with ships and cuts them into tiles in the layout of Kaggle's Airbus set.

    make ships              or  PYTHONPATH=tools python -m harbours.fetch [--folder FOLDER]

The images are the sen2ships set (ShipDetectionExperts, 2023, MIT licence; contains modified
Copernicus Sentinel data 2023): true colour at 10 m a pixel of 20 ports, with the outlines of 582
vessels. Some small or moored vessels have none. Each file is checked against the checksum in
manifest.csv (git's, of one commit). What is whole already is not fetched again, so that a call that
was interrupted goes on, and a second call does nothing.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import shlex
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np
from filelock import FileLock
from PIL import Image

from course_utils._files import atomic_write
from course_utils.data.datasets import DOWNLOAD_ERRORS, connection_timeout
from course_utils.detection import encode_rle
from course_utils.profiles import data_folder

HERE = Path(__file__).parent
COMMIT = "d8e83c1a039ba2a0134e9585c2f2faee67a2cef4"
ADDRESS = f"https://raw.githubusercontent.com/ShipDetectionExperts/sen2ships/{COMMIT}"
NAME = "sen2ships"
TABLE = "train_ship_segmentations_v2.csv"
TILE = 128  # pixels
SMALLEST = 5  # pixels of a ship in a tile
MOST_BLACK = 0.3  # of a tile's pixels: parts of some images are without data
CREDIT = """# sen2ships, cut into tiles

Source: https://github.com/ShipDetectionExperts/sen2ships (MIT licence, see LICENSE), commit
{commit}. Contains modified Copernicus Sentinel data 2023.
train_v2/ holds tiles of 128 x 128 pixels of 10 m, PORT_TOP_LEFT.jpg; the table has a row a ship, as
Kaggle's Airbus Ship Detection Challenge has them. Labels are not complete. Split by port, never at
random.
"""


class FetchError(Exception):
    """What went wrong, in one sentence that says what to do."""


def git_sha1(content: bytes) -> str:
    """Return the checksum that git gives a file of this content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def read_manifest() -> list[dict[str, str]]:
    """Return a row a file: port, kind ("image" or "annotations"), path and checksum."""
    with open(HERE / "manifest.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def fetch_file(address: str, path: Path, sha1: str) -> bool:
    """Fetch a file unless it lies there whole; say whether the network was used.

    Raises:
        FetchError: there is no way to it, or what came is another content.
    """
    if path.is_file() and git_sha1(path.read_bytes()) == sha1:
        return False
    try:
        with connection_timeout(), urllib.request.urlopen(address) as answer:
            content = answer.read()
    except DOWNLOAD_ERRORS as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()  # it holds the server's answer
        raise FetchError(
            f"{address} cannot be fetched ({error}): go online and call `make ships` again, which "
            "goes on where it stopped. Lesson 09 needs no network: it has scenes of its own."
        ) from error
    if git_sha1(content) != sha1:
        raise FetchError(
            f"{address} is not what it was (its checksum is wrong): call `make ships` again; "
            "behind a proxy that changes files, fetch it from elsewhere."
        )
    with atomic_write(path) as file:
        file.write(content)
    return True


def fetch(
    folder: Path, *, address: str = ADDRESS, manifest: Sequence[dict[str, str]] | None = None
) -> Path:
    """Fetch every port, cut it into tiles, and return the folder in Airbus layout.

    The folder appears when it is whole. Of two calls at once the second waits.

    Raises:
        FetchError: a file cannot be fetched, or the folder cannot be written.
    """
    place, part = folder / NAME, folder / f"{NAME}.part"
    rows = read_manifest() if manifest is None else manifest
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{part}.lock"):
            if place.is_dir():
                return place
            for number, row in enumerate(rows, start=1):
                url = f"{address}/{quote(row['path'])}"
                fetch_file(url, part / "raw" / row["path"], row["git_blob_sha1"])
                print(f"\r{number} of {len(rows)} files", end="", flush=True)
            print()
            shutil.rmtree(part / "cut", ignore_errors=True)
            cut_all(part / "raw", rows, part / "cut")
            os.replace(part / "cut", place)
            shutil.rmtree(part)
    except OSError as error:
        raise FetchError(f"{folder} cannot be written ({error}): set COURSE_DATA.") from error
    return place


def cut_all(raw: Path, rows: Sequence[dict[str, str]], to: Path) -> None:
    """Cut all ports into tiles, and write the table, licence and credit beside them."""
    (to / "train_v2").mkdir(parents=True)
    paths: dict[str, dict[str, Path]] = {}
    for row in rows:
        paths.setdefault(row["port"], {})[row["kind"]] = raw / row["path"]
    with open(to / TABLE, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["ImageId", "EncodedPixels"])
        for port, files in sorted(paths.items()):
            for top, left, tile, ships in cut(files["image"], files["annotations"]):
                name = f"{port}_{top:04}_{left:04}.jpg"
                Image.fromarray(tile).save(to / "train_v2" / name, quality=95)
                table.writerows([name, code] for code in ships or [""])
    shutil.copy(HERE / "LICENSE", to / "LICENSE")
    (to / "README.md").write_text(CREDIT.format(commit=COMMIT), encoding="utf-8")


def cut(image: Path, annotations: Path) -> Iterator[tuple[int, int, np.ndarray, list[str]]]:
    """Yield the whole tiles of a port: top, left, pixels, and the run-length codes of its ships.

    As in Kaggle's set no pixel belongs to two ships. A ship that a tile cuts counts in both.
    """
    with Image.open(image) as file:
        pixels = np.array(file.convert("RGB"))
    content = json.loads(annotations.read_text(encoding="utf-8"))
    masks, taken = [], np.zeros(pixels.shape[:2], bool)
    for ship in content["annotations"]:
        masks.append(decode_coco(ship["segmentation"]) & ~taken)
        taken |= masks[-1]
    height, width = pixels.shape[:2]
    for top in range(0, height - TILE + 1, TILE):
        for left in range(0, width - TILE + 1, TILE):
            part = np.s_[top : top + TILE, left : left + TILE]
            if (pixels[part].max(-1) == 0).mean() <= MOST_BLACK:
                ships = [encode_rle(mask[part]) for mask in masks if mask[part].sum() >= SMALLEST]
                yield top, left, pixels[part], ships


def decode_coco(code: dict) -> np.ndarray:
    """Return the mask (height, width) of COCO's uncompressed run lengths, column by column."""
    height, width = code["size"]
    values = np.arange(len(code["counts"])) % 2 == 1
    return np.repeat(values, code["counts"]).reshape(width, height).T


def main(arguments: Sequence[str] | None = None) -> int:
    """Fetch the set, and say where it lies or what to do."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=data_folder(), help="by default COURSE_DATA")
    options = parser.parse_args(arguments)
    try:
        place = fetch(options.folder)
    except FetchError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    count = len(list((place / "train_v2").iterdir()))
    name = shlex.quote(str(place.absolute()))
    print(f"{place} holds {count} tiles of real harbours.")
    print(f"Lesson 09 runs on them where COURSE_DATA names this folder itself: COURSE_DATA={name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
