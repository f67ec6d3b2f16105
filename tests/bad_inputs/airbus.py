"""Bad inputs of ship data: the Airbus folder and table, run-length codes, masks and their boxes."""

from pathlib import Path

import numpy as np
from PIL import Image

from bad_inputs.data import made
from benchmarks.oriented_box import box_fill, mask_to_oriented_box
from course_utils.detection.airbus import (
    AirbusFolder,
    decode_rle,
    encode_rle,
    mask_to_box,
    parse_runs,
    read_rows,
)

HEADER = b"ImageId,EncodedPixels\n"
EMPTY = np.zeros((3, 4), dtype=bool)


def folder(table=HEADER, *, then=lambda ships: None):
    """Return a call that makes a folder with this table, opens it and goes on with `then`."""

    def call(AirbusFolder):
        with made(("ships/table.csv", table), ("ships/images/x.jpg", b"x")):
            Image.new("RGB", (8, 8)).save("ships/images/sound.png")
            then(AirbusFolder("ships", images="images", table="table.csv"))

    return call


def table(content):
    def call(read_rows):
        with made(("table.csv", content)):
            list(read_rows(Path("table.csv")))

    return call


ROWS = {
    "folder that is missing": (
        AirbusFolder, lambda ships: ships("gone"),
        FileNotFoundError, "gone/train_v2", "COURSE_DATA",
    ),
    "table that is a folder": (
        AirbusFolder, lambda ships: ships("/", images=".", table="usr"), FileNotFoundError, "/usr",
    ),
    "table with another header": (AirbusFolder, folder(b"a,b\n"), ValueError, "'a,b'", "ImageId"),
    "table without a row": (AirbusFolder, folder(b""), ValueError, "''", "header"),
    "an image too many": (
        AirbusFolder, folder(then=lambda ships: ships[0]), IndexError, "no image 0", "has 0",
    ),
    "image that is no image": (
        AirbusFolder, folder(HEADER + b"x.jpg,\n", then=lambda ships: ships[0]),
        ValueError, "Row 2", "x.jpg", "cannot be read",
    ),
    "masks of no image": (
        AirbusFolder, folder(HEADER + b"x.jpg,1 1\n", then=lambda ships: ships.masks(0)),
        ValueError, "x.jpg", "cannot be read",
    ),
    "rows of a missing table": (
        read_rows, lambda rows: list(rows(Path("gone.csv"))), FileNotFoundError, "gone.csv", "path",
    ),
    "rows with a broken quote": (
        read_rows, table(HEADER + b'x.jpg,"1 1' + b"1" * 200_000), ValueError, "row", "unpack",
    ),
    "code of a word": (parse_runs, lambda parse: parse("1 x"), ValueError, "'x'", "whole numbers"),
    "code with a number too many": (
        parse_runs, lambda parse: parse("1 2 3"), ValueError, "3 numbers", "no length",
    ),
    "code from pixel 0": (parse_runs, lambda parse: parse("0 2"), ValueError, "'0 2'", "from 1"),
    "code that goes back": (
        parse_runs, lambda parse: parse("5 1 2 1"), ValueError, "'2 1'", "rising",
    ),
    "code as a number": (parse_runs, lambda parse: parse(12), TypeError, "text is 12", "str"),
    "code NaN, as pandas reads none": (
        parse_runs, lambda parse: parse(float("nan")), TypeError, "text is nan", "str",
    ),
    "code that leaves its image": (
        decode_rle, lambda decode: decode("11 5", (3, 4)),
        ValueError, "11 to pixel 15", "12 pixels",
    ),
    "size of an image below 0": (
        decode_rle, lambda decode: decode("", (-3, 4)), ValueError, "height is -3", "at least 0",
    ),
    "size of an image as floats": (
        decode_rle, lambda decode: decode("1 1", (3.0, 4)), ValueError, "height is 3.0", "integer",
    ),
    "size of an image as one number": (
        decode_rle, lambda decode: decode("1 1", 12), TypeError, "shape is 12", "Sequence",
    ),
    "mask in three dimensions": (
        encode_rle, lambda encode: encode(np.ones((1, 3, 4))), ValueError, "(1, 3, 4)", "width",
    ),
    "mask None": (encode_rle, lambda encode: encode(None), ValueError, "()", "(height, width)"),
    "box of an empty mask": (mask_to_box, lambda box: box(EMPTY), ValueError, "4 x 3", "empty"),
    "oriented box of an empty mask": (
        mask_to_oriented_box, lambda box: box(EMPTY), ValueError, "4 x 3 is empty", "a pixel",
    ),
    "fill of a row of pixels": (
        box_fill, lambda fill: fill(np.ones(4)), ValueError, "(4,)", "width",
    ),
}  # fmt: skip
