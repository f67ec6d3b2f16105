"""Bad inputs of ship data: the Airbus folder, its table and run-length codes."""

import numpy as np
from PIL import Image

from bad_inputs.data import made
from course_utils.detection.airbus import AirbusFolder, decode_rle, encode_rle

HEADER = b"ImageId,EncodedPixels\n"


def folder(table=HEADER, *, then=lambda ships: None):
    """Return a call that makes a folder with this table, opens it and goes on with `then`."""

    def call(AirbusFolder):
        with made(("ships/table.csv", table), ("ships/images/x.jpg", b"x")):
            Image.new("RGB", (8, 8)).save("ships/images/sound.png")
            then(AirbusFolder("ships", images="images", table="table.csv"))

    return call


def decode(text, shape=(3, 4)):
    return lambda decode_rle: decode_rle(text, shape)


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
    "table with semicolons": (
        AirbusFolder, folder(b"ImageId;EncodedPixels\n"), ValueError, "'ImageId;", "ImageId,",
    ),
    "table with a broken quote": (
        AirbusFolder, folder(HEADER + b'x.jpg,"1 1' + b"1" * 200_000), ValueError, "row", "unpack",
    ),
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
    "code as a number": (decode_rle, decode(12), TypeError, "text is 12", "str"),
    "code NaN, as pandas reads none": (
        decode_rle, decode(float("nan")), TypeError, "text is nan", "str",
    ),
    "code of a word": (decode_rle, decode("1 x"), ValueError, "'x'", "whole numbers"),
    "code that leaves its image": (
        decode_rle, decode("11 5"), ValueError, "11 to pixel 15", "12 pixels",
    ),
    "size of an image below 0": (
        decode_rle, decode("", (-3, 4)), ValueError, "height is -3", "at least 0",
    ),
    "size of an image as floats": (
        decode_rle, decode("1 1", (3.0, 4)), ValueError, "height is 3.0", "integer",
    ),
    "size of an image as one number": (
        decode_rle, decode("1 1", 12), TypeError, "shape is 12", "Sequence",
    ),
    "size of an image of three": (
        decode_rle, decode("1 1", (3, 4, 3)), ValueError, "(3, 4, 3)", "(height, width)",
    ),
    "mask in three dimensions": (
        encode_rle, lambda encode: encode(np.ones((1, 3, 4))), ValueError, "(1, 3, 4)", "width",
    ),
    "mask None": (encode_rle, lambda encode: encode(None), ValueError, "()", "(height, width)"),
}  # fmt: skip
