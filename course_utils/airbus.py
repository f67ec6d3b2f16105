"""Images in the layout of Kaggle's Airbus Ship Detection Challenge (2018), read one by one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from course_utils.airbus_table import read_rows
from course_utils.rle import decode_rle, mask_to_box, parse_runs
from course_utils.scene import Scene


class AirbusFolder:
    """Sequence of scenes: a folder of images, and a table with a row for each ship.

    The table has the columns ImageId and EncodedPixels (see `course_utils.rle`); an image without
    ships has one row with an empty second field. Only the table is read at once; an image is read
    whenever it is asked for. Images may have any size, and may be grey or have an alpha channel.

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
        for path, there in (
            (self._images, self._images.is_dir()),
            (self._table, self._table.is_file()),
        ):
            if not there:
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
        scene, problems = self._read(index)
        if scene is None:
            raise ValueError(problems[0])
        return scene

    def masks(self, index: int) -> Tensor:
        """Return the ships of one image as masks, bool (n, height, width), n as many as boxes."""
        height, width = self[index].image.shape[1:]
        masks, _ = self._decode(self.names[index], (height, width))
        return torch.from_numpy(np.array(masks, dtype=bool).reshape(-1, height, width))

    @property
    def problems(self) -> tuple[str, ...]:
        """What has been found wrong up to now, a sentence each with row and image."""
        return tuple(self._problems)

    def scenes(
        self, indices: Iterable[int], *, report: Callable[[str], object] | None = None
    ) -> Iterator[Scene]:
        """Yield the scenes of the indices one by one; an image that cannot be read is skipped.

        Args:
            indices: as `with_ships`.
            report: is called with each problem on the way, as `print`.
        """
        for index in indices:
            scene, problems = self._read(index)
            if report is not None:
                for problem in problems:
                    report(problem)
            if scene is not None:
                yield scene

    def check(self) -> tuple[str, ...]:
        """Read every image and return all problems; takes some milliseconds an image."""
        for index in range(len(self)):
            self._read(index)
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
            double = next((other for other, text in ships if text == rest[0]), None)
            if double is None:
                ships.append((row, rest[0]))
            else:
                self._note(row, name, f"It repeats row {double}, and the ship would count twice.")
        for name, row in empty.items():
            if name in self._ships or name in broken:
                self._note(row, name, "It says no ship, but another row of the image has one.")
        self.names = tuple(self._first_rows)
        ships = self._ships
        self.with_ships = tuple(i for i, name in enumerate(self.names) if name in ships)
        self.without_ships = tuple(
            i for i, name in enumerate(self.names) if name not in ships and name not in broken
        )

    def _read(self, index: int) -> tuple[Scene | None, list[str]]:
        """Read one image; return its scene, if it can be read, and what is wrong with it."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"There is no image {index}: {self._table} has {len(self)}.")
        name = self.names[index]
        try:
            image = _read_image(self._images / name)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            words = f"The image cannot be read ({error})."
            return None, [self._note(self._first_rows[name], name, words)]
        masks, problems = self._decode(name, image.shape[1:])
        boxes = torch.tensor([mask_to_box(mask) for mask in masks], dtype=torch.float32)
        return Scene(name, image, boxes.view(-1, 4)), problems

    def _decode(self, name: str, shape: tuple[int, int]) -> tuple[list[np.ndarray], list[str]]:
        """Decode the ships of one image; return their masks, and what is wrong with the others."""
        masks, problems = [], []
        for row, text in self._ships.get(name, []):
            try:
                masks.append(decode_rle(text, tuple(shape)))
            except ValueError as error:
                problems.append(self._note(row, name, str(error)))
        return masks, problems

    def _note(self, row: int, name: str, words: str) -> str:
        """Add a problem and return its sentence."""
        problem = (
            f"Row {row} of {self._table.name}, {name}, is left out: {words[0].lower()}{words[1:]}"
        )
        self._problems[problem] = None
        return problem


def _read_image(path: Path) -> Tensor:
    """Read an image as uint8 (3, height, width)."""
    with Image.open(path) as file:
        pixels = np.array(file.convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
