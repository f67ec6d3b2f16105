"""Images in the layout of Kaggle's Airbus Ship Detection Challenge (2018), read one by one."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_utils._validate import check_type, check_whole
from course_utils.detection.scenes import Scene


class AirbusFolder:
    """Sequence of scenes: a folder of images, and a table with a row for each ship.

    The table has the columns ImageId and EncodedPixels (see `decode_rle`); an image without ships
    has one row with an empty second field. Only the table is read at once; an image is read
    whenever it is asked for. Images may have any size, and may be grey or have an alpha channel.
    Those of more than 8 bits a channel cannot be read: their files do not say which level is white.

    What is wrong with a row or an image is kept in `problems`, and the rest is used:

    - A row that cannot be right by itself, or whose image is missing, is found at once and left
      out. An image of which all ships are left out so is in neither `with_ships` nor
      `without_ships`, because it does hold ships, but nobody knows where.
    - An image with ships and an empty row has ships: the empty row is left out. So is a row that
      repeats another one of its image.
    - A ship that leaves its image, or an image that cannot be read, is found when the image is
      read, by `check()` for all of them. `with_ships` and `without_ships` stay as they are.

    Two ships may overlap. Row numbers are the line numbers of the file; the header is row 1.

    Args:
        folder: holds both.
        images: name of the folder of images in it.
        table: name of the table in it.

    Attributes:
        names: of the image files, in the table's order.
        with_ships: indices of the images with at least one ship.
        without_ships: indices of the images that have none by the table.

    Raises:
        FileNotFoundError: the folder, the images or the table are missing.
        ValueError: the table is not one of this layout.
        IndexError: there is no such image.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        images: str = "train_v2",
        table: str = "train_ship_segmentations_v2.csv",
    ):
        self._images, self._table = Path(folder) / images, Path(folder) / table
        for path, is_there in ((self._images, Path.is_dir), (self._table, Path.is_file)):
            if not is_there(path):
                raise FileNotFoundError(
                    f"{path} is missing: {folder} must hold the images in {images}/ and the table "
                    f"{table}, as Kaggle's Airbus Ship Detection Challenge has them; unpack them "
                    "there, or set COURSE_DATA to where they lie."
                )
        self._problems: dict[str, None] = {}  # in order, each once
        self._first_rows: dict[str, int] = {}
        self._ships: dict[str, list[tuple[int, str]]] = {}
        self._index_table()

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Scene:
        if not -len(self) <= index < len(self):
            raise IndexError(f"There is no image {index}: {self._table} has {len(self)}.")
        name = self.names[index]
        try:
            image = read_image(self._images / name)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            words = f"The image cannot be read ({error})."
            raise ValueError(self._note(self._first_rows[name], name, words)) from error
        masks = self._decode(name, image.shape[1:])
        boxes = torch.tensor([mask_to_box(mask) for mask in masks], dtype=torch.float32)
        return Scene(name, image, boxes.view(-1, 4))

    def masks(self, index: int) -> Tensor:
        """Return the ships of one image as masks, bool (n, height, width), n as many as boxes."""
        height, width = self[index].image.shape[1:]
        masks = self._decode(self.names[index], (height, width))
        return torch.from_numpy(np.array(masks, dtype=bool).reshape(-1, height, width))

    @property
    def problems(self) -> tuple[str, ...]:
        """What has been found wrong up to now, a sentence each with row and image."""
        return tuple(self._problems)

    def check(self) -> tuple[str, ...]:
        """Read every image and return all problems; takes some milliseconds an image."""
        for index in range(len(self)):
            with suppress(ValueError):
                self[index]
        return self.problems

    def _index_table(self) -> None:
        files = set(os.listdir(self._images))
        empty: dict[str, int] = {}  # image -> its row without a ship
        broken: set[str] = set()  # images with a ship that was left out
        for row, (name, *rest) in read_rows(self._table):
            if name not in files:
                self._note(row, name, f"There is no such image in {self._images.name}/.")
                continue
            self._first_rows.setdefault(name, row)
            try:
                if len(rest) != 1:
                    raise ValueError(f"The row has {1 + len(rest)} field(s), but must have two.")
                parse_runs(rest[0])
            except ValueError as error:
                self._note(row, name, str(error))
                broken.add(name)
                continue
            if not rest[0].strip():
                empty[name] = row
                continue
            ships = self._ships.setdefault(name, [])
            repeated = next((other for other, text in ships if text == rest[0]), None)
            if repeated is None:
                ships.append((row, rest[0]))
            else:
                self._note(row, name, f"It repeats row {repeated}, and the ship would count twice.")
        for name, row in empty.items():
            if name in self._ships or name in broken:
                self._note(row, name, "It says no ship, but another row of the image has one.")
        self.names = tuple(self._first_rows)
        ships = self._ships
        self.with_ships = tuple(i for i, name in enumerate(self.names) if name in ships)
        self.without_ships = tuple(
            i for i, name in enumerate(self.names) if name not in ships and name not in broken
        )

    def _decode(self, name: str, shape: tuple[int, int]) -> list[np.ndarray]:
        """Return the masks of one image's ships; one that leaves the image is noted, left out."""
        masks = []
        for row, text in self._ships.get(name, []):
            try:
                masks.append(decode_rle(text, tuple(shape)))
            except ValueError as error:
                self._note(row, name, str(error))
        return masks

    def _note(self, row: int, name: str, words: str) -> str:
        """Add a problem and return its sentence."""
        problem = (
            f"Row {row} of {self._table.name}, {name}, is left out: {words[0].lower()}{words[1:]}"
        )
        self._problems[problem] = None
        return problem


BITS_PER_SAMPLE = 258  # the TIFF tag
_DEEP = re.compile(r"(?<!BGR);(16|32)")  # Pillow's words for its bits; BGR;16 is 5 or 6 a channel


def read_image(path: Path) -> Tensor:
    """Read an image as uint8 (3, height, width), or raise for one of more than 8 bits a channel.

    Pillow would cut off its high levels, or keep its high bytes alone, without a word.
    """
    with Image.open(path) as file:
        bits = max(getattr(file, "tag_v2", {}).get(BITS_PER_SAMPLE, (8,)))
        if file.mode[0] in "IF" or bits > 8 or _DEEP.search(repr(file.tile)):
            raise ValueError(
                "it has more than 8 bits a channel, and no file says which level is white: bring "
                "it to 8 bits first, with the sensor's range"
            )
        pixels = np.array(file.convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


COLUMNS = ["ImageId", "EncodedPixels"]


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and fields of the table's rows, without the header (row 1) and blank ones.

    A byte order mark, quotes and Windows' line ends are understood.
    """
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        rows = csv.reader(file)
        try:
            header = next(rows, [])
            if header != COLUMNS:
                raise ValueError(
                    f"The table {path} begins with {','.join(header)[:60]!r}, but must begin with "
                    f"the header {','.join(COLUMNS)!r}."
                )
            yield from ((rows.line_num, fields) for fields in rows if fields)
        except csv.Error as error:
            raise ValueError(
                f"The table {path} cannot be read on from row {rows.line_num} ({error}): mend the "
                "row, or unpack the table anew."
            ) from error


_TIDY = re.compile(r"[0-9]{1,18}(?: [0-9]{1,18})*")  # whatever it matches fits into an int64
_WHOLE = re.compile(r"-?[0-9]{1,18}")


def parse_runs(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and ends (n,) of a code's runs, as int64: from 0 on, the end exclusive.

    Runs must be in rising order and apart, as the challenge asks ("sorted, positive, and the
    decoded pixel values are not duplicated"); they may touch. The size of the image is not needed,
    so nothing here notices a run that leaves it.
    """
    if not _TIDY.fullmatch(text):
        parts = text.split()
        for part in parts:
            if not _WHOLE.fullmatch(part):
                raise ValueError(
                    f"The run-length code holds {part[:40]!r}, but must hold whole numbers, apart "
                    "by spaces."
                )
        text = " ".join(parts)
    if not text:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    numbers = np.fromstring(text, dtype=np.int64, sep=" ")
    if len(numbers) % 2:
        raise ValueError(
            f"The run-length code has {len(numbers)} numbers, but must have pairs of a start and a "
            f"length: the last start, {numbers[-1]}, has no length."
        )
    if numbers.min() < 1:
        at = int(np.argmax(numbers < 1)) // 2
        raise ValueError(
            f"The run-length code has the run {_words(numbers, at)}, but starts and lengths are "
            "counted from 1."
        )
    starts = numbers[::2] - 1
    ends = starts + numbers[1::2]
    if (starts[1:] < ends[:-1]).any():
        at = int(np.argmax(starts[1:] < ends[:-1]))
        fault = "overlaps" if ends[at + 1] > starts[at] else "lies before"
        raise ValueError(
            f"The run-length code has the run {_words(numbers, at + 1)}, which {fault} the run "
            f"ahead of it, {_words(numbers, at)}, but runs must be in rising order and apart."
        )
    return starts, ends


def decode_rle(text: str, shape: tuple[int, int]) -> np.ndarray:
    """Return the mask of a run-length code, bool (height, width), in memory column by column.

    The code is that of the Airbus challenge: pairs of a start and a length, apart by spaces, in
    rising order; pixel 1 is the top left one, pixel 2 the one below it.

    Args:
        text: the code; an empty one gives an empty mask.
        shape: (height, width) of the image in pixels.

    Raises:
        TypeError: the code is no text, as the NaN that pandas reads where there is none; or the
            shape is no sequence.
        ValueError: a number is no whole number or below 1, one is missing, runs overlap, are out of
            order or leave the image; or the shape is not two integers.
    """
    check_type("text", text, str)
    check_type("shape", shape, Sequence)
    if len(shape) != 2:
        raise ValueError(f"The shape is {shape}, but must be (height, width).")
    height, width = shape
    check_whole("height", height)
    check_whole("width", width)
    starts, ends = parse_runs(text)
    if len(ends) and ends[-1] > height * width:
        at = int(np.argmax(ends > height * width))
        raise ValueError(
            f"The run-length code has a run from pixel {starts[at] + 1} to pixel {ends[at]}, but "
            f"the image of {width} x {height} has {height * width} pixels."
        )
    lengths = ends - starts
    before = np.cumsum(lengths) - lengths  # pixels in the runs ahead of each
    inside = np.arange(lengths.sum()) + np.repeat(starts - before, lengths)
    flat = np.zeros(height * width, dtype=bool)
    flat[inside] = True
    return flat.reshape(width, height).T


def encode_rle(mask: np.ndarray) -> str:
    """Return the run-length code of a mask (height, width), with as few runs as can be.

    Raises:
        ValueError: the mask has not two dimensions.
    """
    mask = np.asarray(mask, dtype=bool)
    if mask.ndim != 2:
        raise ValueError(f"The mask has the shape {mask.shape}, but must be (height, width).")
    padded = np.zeros(mask.size + 2, dtype=bool)
    padded[1:-1] = mask.ravel(order="F")
    edges = np.flatnonzero(padded[1:] != padded[:-1])  # first pixel of a run, first one after it
    numbers = np.stack([edges[::2] + 1, edges[1::2] - edges[::2]], axis=1)
    return " ".join(map(str, numbers.ravel().tolist()))


def mask_to_box(mask: np.ndarray) -> tuple[float, float, float, float]:
    """Return the smallest box around a mask (height, width): x0, y0, x1, y1 in pixels.

    The right and lower edges are exclusive: one pixel in the top left corner has the box
    (0, 0, 1, 1).
    """
    columns = np.flatnonzero(mask.any(axis=0))
    x0, x1 = int(columns[0]), int(columns[-1]) + 1
    rows = np.flatnonzero(mask[:, x0:x1].any(axis=1))
    return float(x0), float(rows[0]), float(x1), float(rows[-1] + 1)


def _words(numbers: np.ndarray, run: int) -> str:
    """Write one run as the code has it."""
    return f"'{numbers[2 * run]} {numbers[2 * run + 1]}'"
