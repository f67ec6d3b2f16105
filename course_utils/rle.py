"""Run-length codes of masks, as Kaggle's Airbus Ship Detection Challenge (2018) writes them.

A code is "start length start length ...". Pixels are counted from 1, down the columns: pixel 1 is
the top left one, pixel 2 the one below it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from course_utils.limits import check_type, check_whole

_TIDY = re.compile(r"[0-9]{1,18}(?: [0-9]{1,18})*")  # whatever it matches fits into an int64
_WHOLE = re.compile(r"-?[0-9]{1,18}")


def parse_runs(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Return starts and ends (n,) of a code's runs, as int64: from 0 on, the end exclusive.

    Runs must be in rising order and apart, as the challenge asks ("sorted, positive, and the
    decoded pixel values are not duplicated"); they may touch. An empty code has no runs. The size
    of the image is not needed, so nothing here notices a run that leaves it.

    Raises:
        TypeError: the code is no text, as the NaN that pandas reads where there is none.
        ValueError: a number is no whole number or below 1, one is missing, or runs overlap or are
            out of order.
    """
    check_type("text", text, str)
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
    """Return the mask of a code, bool (height, width); in memory it lies column by column.

    Args:
        text: as `parse_runs` takes it; an empty one gives an empty mask.
        shape: (height, width) of the image in pixels.

    Raises:
        TypeError: the code is no text, or the shape no sequence.
        ValueError: as `parse_runs`, a run leaves the image, or the shape is not two integers.
    """
    starts, ends = parse_runs(text)
    check_type("shape", shape, Sequence)
    if len(shape) != 2:
        raise ValueError(f"The shape is {shape}, but must be (height, width).")
    height, width = shape
    check_whole("height", height)
    check_whole("width", width)
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
    """Return the code of a mask (height, width), with as few runs as can be.

    Raises:
        ValueError: the mask has not two dimensions.
    """
    mask = _checked(mask)
    padded = np.zeros(mask.size + 2, dtype=bool)
    padded[1:-1] = mask.ravel(order="F")
    edges = np.flatnonzero(padded[1:] != padded[:-1])  # first pixel of a run, first one after it
    numbers = np.stack([edges[::2] + 1, edges[1::2] - edges[::2]], axis=1)
    return " ".join(map(str, numbers.ravel().tolist()))


def mask_to_box(mask: np.ndarray) -> tuple[float, float, float, float]:
    """Return the smallest box around a mask (height, width): x0, y0, x1, y1 in pixels.

    The right and lower edges are exclusive: one pixel in the top left corner has the box
    (0, 0, 1, 1).

    Raises:
        ValueError: the mask has not two dimensions, or holds no pixel.
    """
    mask = _checked(mask)
    columns = np.flatnonzero(mask.any(axis=0))
    if not len(columns):
        height, width = mask.shape
        raise ValueError(f"The mask of {width} x {height} is empty, but a box needs a pixel.")
    x0, x1 = int(columns[0]), int(columns[-1]) + 1
    rows = np.flatnonzero(mask[:, x0:x1].any(axis=1))
    return float(x0), float(rows[0]), float(x1), float(rows[-1] + 1)


def _checked(mask: np.ndarray) -> np.ndarray:
    mask = np.asarray(mask, dtype=bool)
    if mask.ndim != 2:
        raise ValueError(f"The mask has the shape {mask.shape}, but must be (height, width).")
    return mask


def _words(numbers: np.ndarray, run: int) -> str:
    """Write one run as the code has it."""
    return f"'{numbers[2 * run]} {numbers[2 * run + 1]}'"
