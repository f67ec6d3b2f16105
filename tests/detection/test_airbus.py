import csv
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from machine_speed import quiet_seconds
from PIL import Image
from sen2ships import TABLE, load_harbours
from torch.utils.data import Subset

from course_utils.detection.airbus import AirbusFolder, decode_rle, encode_rle
from course_utils.detection.mining import mine_hard_negatives
from course_utils.detection.models import ShipDetector
from course_utils.profiles import set_seed

HEADER = "ImageId,EncodedPixels"
WIDTH, HEIGHT = 12, 8


def write_image(path, mode="RGB", size=(WIDTH, HEIGHT), **options):
    """Write an image with a red left half."""
    pixels = np.zeros((size[1], size[0], 3), dtype=np.uint8)
    pixels[:, : size[0] // 2, 0] = 200
    Image.fromarray(pixels).convert(mode).save(path, **options)


def write_folder(folder, *rows, images="abc", header=HEADER):
    """Write a.jpg, b.jpg, ... of 12 x 8 pixels and the table; return the folder."""
    (folder / "train_v2").mkdir()
    for name in images:
        write_image(folder / "train_v2" / f"{name}.jpg")
    (folder / TABLE).write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return folder


def truncate(path):
    path.write_bytes(path.read_bytes()[:-100])


def test_sequence(tmp_path):
    """Is each image there once, in the table's order, with all of its ships?"""
    folder = AirbusFolder(
        write_folder(tmp_path, "c.jpg,1 2 9 2", "b.jpg,", "a.jpg,96 1", "c.jpg,20 1")
    )
    assert len(folder) == 3
    assert folder.names == ("c.jpg", "b.jpg", "a.jpg")
    assert (folder.with_ships, folder.without_ships) == ((0, 2), (1,))
    scene = folder[0]
    assert scene.name == "c.jpg"
    assert scene.image.shape == (3, HEIGHT, WIDTH)
    assert scene.image.dtype == torch.uint8
    assert scene.image.is_contiguous()
    assert scene.boxes.dtype == torch.float32
    assert scene.boxes.tolist() == [[0, 0, 2, 2], [2, 3, 3, 4]]
    assert (scene.kinds, len(scene.look_alikes)) == ((), 0)
    assert folder[1].boxes.shape == (0, 4)
    assert folder[-1].boxes.tolist() == [[WIDTH - 1, HEIGHT - 1, WIDTH, HEIGHT]]
    with pytest.raises(IndexError, match=r"^There is no image -4: .* has 3\.$"):
        folder[-4]
    assert folder.check() == folder.problems == ()


def test_boxes_of_random_ships(tmp_path):
    """Do ships come back where they were drawn, in images of several sizes?"""
    rng = np.random.default_rng(0)
    wanted, rows = {}, []
    write_folder(tmp_path, images="")
    for number in range(30):
        name, (width, height) = f"{number}.png", rng.integers(5, 40, 2).tolist()
        write_image(tmp_path / "train_v2" / name, size=(width, height))
        wanted[name] = []
        for _ in range(rng.integers(1, 4)):
            x0, y0 = int(rng.integers(width)), int(rng.integers(height))
            x1, y1 = int(rng.integers(x0, width)) + 1, int(rng.integers(y0, height)) + 1
            mask = np.zeros((height, width), dtype=bool)
            mask[y0:y1, x0:x1] = True
            rows.append([name, encode_rle(mask)])
            wanted[name].append([x0, y0, x1, y1])
    with open(tmp_path / TABLE, "a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    folder = AirbusFolder(tmp_path)
    assert {scene.name: scene.boxes.tolist() for scene in folder} == wanted
    assert folder.problems == ()


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P", "1"])
def test_modes(tmp_path, mode):
    """Does an image in grey, with alpha or with a palette become red, green and blue?"""
    write_folder(tmp_path, "a.png,1 1", images="")
    write_image(tmp_path / "train_v2" / "a.png", mode)
    image = AirbusFolder(tmp_path)[0].image
    assert image.shape == (3, HEIGHT, WIDTH)
    left, right = image[:, :, 0].float().mean(1), image[:, :, -1].float().mean(1)
    assert right.tolist() == [0, 0, 0]
    assert (left[0] > 190) if mode in ("RGB", "RGBA", "P") else (left[0] == left[2])


def test_other_names(tmp_path):
    """May the images and the table have other names?"""
    write_folder(tmp_path, "a.jpg,")
    (tmp_path / "train_v2").rename(tmp_path / "pictures")
    (tmp_path / TABLE).rename(tmp_path / "ships.csv")
    assert len(AirbusFolder(str(tmp_path), images="pictures", table="ships.csv")) == 1


def test_table_of_a_spreadsheet(tmp_path):
    """Are quotes, a byte order mark and Windows' line ends understood, and blank lines counted?"""
    write_folder(tmp_path)
    text = f'\ufeff{HEADER}\r\n"a.jpg","1 2"\r\n\r\nb.jpg,""\r\nc.jpg\r\n'
    (tmp_path / TABLE).write_bytes(text.encode())
    folder = AirbusFolder(tmp_path)
    assert (folder.names, folder.with_ships) == (("a.jpg", "b.jpg", "c.jpg"), (0,))
    assert [problem.split(" ")[1] for problem in folder.problems] == ["5"]


def test_table_without_rows(tmp_path):
    """Is a table of a header alone a folder without images?"""
    assert len(AirbusFolder(write_folder(tmp_path))) == 0


BAD = {
    "odd count": ("a.jpg,1 2 3", "the run-length code has 3 numbers"),
    "no number": ("a.jpg,1 two", "the run-length code holds 'two'"),
    "no length": ("a.jpg,1 0", "the run-length code has the run '1 0'"),
    "no start": ("a.jpg,0 1", "the run-length code has the run '0 1'"),
    "overlap": ("a.jpg,1 5 3 1", "the run-length code has the run '3 1', which overlaps"),
    "order": ("a.jpg,5 1 3 1", "the run-length code has the run '3 1', which lies before"),
    "comma missing": ("a.jpg", r"the row has 1 field\(s\), but must have two"),
    "a comma too many": ("a.jpg,1,2", r"the row has 3 field\(s\), but must have two"),
}


@pytest.mark.parametrize("fault", BAD)
def test_bad_row(tmp_path, fault):
    """Is a bad row named at once and left out, and the rest kept?"""
    row, words = BAD[fault]
    folder = AirbusFolder(write_folder(tmp_path, "b.jpg,", row, "a.jpg,1 1"))
    assert len(folder.problems) == 1
    assert re.fullmatch(rf"Row 3 of {TABLE}, a.jpg, is left out: {words}.*\.", folder.problems[0])
    assert folder.names == ("b.jpg", "a.jpg")
    assert (folder.with_ships, folder.without_ships) == ((1,), (0,))
    assert folder[1].boxes.tolist() == [[0, 0, 1, 1]]


@pytest.mark.parametrize("fault", ["odd count", "comma missing"])
def test_only_bad_rows(tmp_path, fault):
    """Is an image whose ships are nowhere known kept out of both kinds, empty row or not?"""
    row, _ = BAD[fault]
    folder = AirbusFolder(write_folder(tmp_path, row, "b.jpg,", "c.jpg,1 1"))
    assert (folder.with_ships, folder.without_ships) == ((2,), (1,))
    (tmp_path / "second").mkdir()
    folder = AirbusFolder(write_folder(tmp_path / "second", "a.jpg,", row))
    assert (folder.with_ships, folder.without_ships, len(folder.problems)) == ((), (), 2)


def test_missing_image(tmp_path):
    """Is a row without its image named and left out?"""
    folder = AirbusFolder(write_folder(tmp_path, "z.jpg,1 1", "a.jpg,", "y.jpg,", ",1 1"))
    words = "is left out: there is no such image in train_v2/."
    assert folder.problems == (
        f"Row 2 of {TABLE}, z.jpg, {words}",
        f"Row 4 of {TABLE}, y.jpg, {words}",
        f"Row 5 of {TABLE}, , {words}",
    )
    assert folder.names == ("a.jpg",)


@pytest.mark.parametrize("rows", [("a.jpg,", "a.jpg,1 1"), ("a.jpg,1 1", "a.jpg,")])
def test_empty_row_and_ship(tmp_path, rows):
    """Does the ship win over an empty row of its image, in either order?"""
    folder = AirbusFolder(write_folder(tmp_path, *rows))
    row = 2 + rows.index("a.jpg,")
    words = "it says no ship, but another row of the image has one."
    assert folder.problems == (f"Row {row} of {TABLE}, a.jpg, is left out: {words}",)
    assert (folder.with_ships, folder.without_ships) == ((0,), ())
    assert len(folder[0].boxes) == 1


def test_repeated_row(tmp_path):
    """Is a ship that the table has twice kept once, and the second row named?"""
    folder = AirbusFolder(
        write_folder(
            tmp_path, "a.jpg,1 4", "b.jpg,1 4", "a.jpg,9 1", "a.jpg,1 4", "b.jpg,", "b.jpg,"
        )
    )
    assert len(folder[0].boxes) == 2 and len(folder[1].boxes) == 1
    words = "is left out: it repeats row 2, and the ship would count twice."
    assert folder.problems[0] == f"Row 5 of {TABLE}, a.jpg, {words}"
    assert folder.with_ships == (0, 1)


def test_masks(tmp_path):
    """Are the masks those of the ships that have boxes, and none for an image without ships?"""
    folder = AirbusFolder(
        write_folder(tmp_path, "a.jpg,1 2 9 1", "a.jpg,97 1", "a.jpg,96 1", "b.jpg,")
    )
    masks = folder.masks(0)
    assert masks.shape == (len(folder[0].boxes), HEIGHT, WIDTH) == (2, HEIGHT, WIDTH)
    assert masks[0].nonzero().tolist() == [[0, 0], [0, 1], [1, 0]]
    assert masks[1].nonzero().tolist() == [[HEIGHT - 1, WIDTH - 1]]
    assert folder.masks(-1).shape == (0, HEIGHT, WIDTH)
    with pytest.raises(IndexError, match="There is no image 2"):
        folder.masks(2)
    truncate(tmp_path / "train_v2" / "a.jpg")
    with pytest.raises(ValueError, match="Row 2 of .* cannot be read"):
        folder.masks(0)


def test_ships_may_overlap(tmp_path):
    """Are two ships that share pixels both kept, without a complaint?"""
    folder = AirbusFolder(write_folder(tmp_path, "a.jpg,1 4", "a.jpg,3 4"))
    assert folder[0].boxes.tolist() == [[0, 0, 1, 4], [0, 2, 1, 6]]
    assert folder.check() == ()


def test_outside_the_image(tmp_path):
    """Is a ship that leaves its image named when that is read, once, and the others kept?"""
    folder = AirbusFolder(write_folder(tmp_path, "a.jpg,1 1", "a.jpg,90 8", "b.jpg,"))
    assert folder.problems == ()
    assert folder[0].boxes.tolist() == [[0, 0, 1, 1]]
    assert folder.problems == (
        f"Row 3 of {TABLE}, a.jpg, is left out: the run-length code has a run from pixel 90 to "
        "pixel 97, but the image of 12 x 8 has 96 pixels.",
    )
    assert len(folder[0].boxes) == 1
    assert len(folder.check()) == 1
    assert folder.with_ships == (0,)


def test_only_ship_outside(tmp_path):
    """Has an image whose ships all leave it a list of boxes in the usual form?"""
    assert AirbusFolder(write_folder(tmp_path, "a.jpg,97 1"))[0].boxes.shape == (0, 4)


DAMAGES = {
    "truncated": truncate,
    "empty": lambda path: path.write_bytes(b""),
    "no image": lambda path: path.write_text("<html>404</html>"),
    "deleted since": Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_unreadable_image(tmp_path, damage):
    """Does an unreadable image raise a sentence with its row, and are all others read?"""
    write_folder(tmp_path, "a.jpg,", "b.jpg,1 1", "b.jpg,9 1", "c.jpg,2 1", "c.jpg,97 1")
    write_image(tmp_path / "train_v2" / "b.jpg", size=(100, 100))
    folder = AirbusFolder(tmp_path)
    DAMAGES[damage](tmp_path / "train_v2" / "b.jpg")
    words = rf"Row 3 of {TABLE}, b.jpg, is left out: the image cannot be read \(.+\)\."
    with pytest.raises(ValueError, match=rf"^{words}$"):
        folder[1]
    assert [folder[index].name for index in (0, 2)] == ["a.jpg", "c.jpg"]
    assert re.fullmatch(words, folder.problems[0])
    assert folder.problems[1].startswith(f"Row 6 of {TABLE}, c.jpg, is left out:")
    assert folder.problems == folder.check()


def test_mined(tmp_path):
    """Does mining a folder note the images that cannot be read, and look at all others?"""
    write_folder(tmp_path, "a.jpg,", "b.jpg,1 1", "c.jpg,", "d.jpg,", images="abcd")
    for number, name in enumerate("abcd"):  # each of a level of its own: none is a near-duplicate
        image = Image.new("L", (64, 32), 60 * number)
        image.save(tmp_path / "train_v2" / f"{name}.jpg")
    truncate(tmp_path / "train_v2" / "c.jpg")
    folder = AirbusFolder(tmp_path)
    set_seed(0)
    model = ShipDetector(width=8, prior=0.3)
    found = mine_hard_negatives(model, Subset(folder, folder.without_ships), max_negatives=9)
    assert sorted(negative.name for negative in found.found) == ["a.jpg", "d.jpg"]
    assert (found.scanned, found.unreadable) == (2, folder.problems)
    assert found.unreadable[0].startswith(f"Row 4 of {TABLE}, c.jpg, is left out: the image")


def test_broken_chunk(tmp_path):
    """Is a PNG that Pillow calls a syntax error half way an unreadable image like any other?"""
    write_folder(tmp_path, "a.png,", images="")
    path = tmp_path / "train_v2" / "a.png"
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    head, mark, tail = path.read_bytes().rpartition(b"IDAT")
    path.write_bytes(head + bytes(len(mark)) + tail)
    with pytest.raises(ValueError, match=r"the image cannot be read \(broken PNG file"):
        AirbusFolder(tmp_path)[0]


def test_check_finds_all(tmp_path):
    """Does check() find what reading finds, without a report?"""
    write_folder(tmp_path, "a.jpg,", "b.jpg,97 1", "c.jpg,1")
    truncate(tmp_path / "train_v2" / "a.jpg")
    folder = AirbusFolder(tmp_path)
    assert len(folder.problems) == 1
    assert [problem.split(" ")[1] for problem in folder.check()] == ["4", "2", "3"]


@pytest.mark.parametrize("missing", ["folder", "train_v2", TABLE])
def test_missing_parts(tmp_path, missing):
    """Does a missing folder or table raise one sentence with what is expected?"""
    folder = tmp_path / "airbus"
    if missing != "folder":
        folder.mkdir()
        write_folder(folder, "a.jpg,")
        (folder / missing).rename(tmp_path / "elsewhere")
    place = re.escape(str(folder / (missing if missing == TABLE else "train_v2")))
    words = (
        rf"^{place} is missing: .* train_v2/ and the table {TABLE}, [^\n]* set COURSE_DATA .*\.$"
    )
    with pytest.raises(FileNotFoundError, match=words):
        AirbusFolder(folder)


def test_lazy(tmp_path, monkeypatch):
    """Is no image opened before it is asked for, and then only that one?"""
    write_folder(tmp_path, "a.jpg,", "b.jpg,1 1", "c.jpg,")
    opened, real = [], Image.open
    monkeypatch.setattr(Image, "open", lambda path: opened.append(path.name) or real(path))
    folder = AirbusFolder(tmp_path)
    assert opened == []
    for index in folder.without_ships:
        assert len(folder[index].boxes) == 0
    assert opened == ["a.jpg", "c.jpg"]


def test_long_table(tmp_path):
    """Is a table of a tenth of Airbus' length read in a tenth of some seconds of CPU time?"""
    rng = np.random.default_rng(0)
    write_folder(tmp_path, images="")
    with open(tmp_path / TABLE, "a", encoding="utf-8") as file:
        for number in range(23_000):
            (tmp_path / "train_v2" / f"{number}.jpg").touch()
            starts = 1 + 768 * np.arange(40 * (number % 3 == 0)) + rng.integers(400_000)
            file.write(f"{number}.jpg,{' '.join(f'{start} 9' for start in starts)}\n")
    assert quiet_seconds(lambda: AirbusFolder(tmp_path), rounds=2) < 1
    folder = AirbusFolder(tmp_path)
    assert (len(folder), len(folder.with_ships), folder.problems) == (23_000, 7_667, ())


def test_by_hand():
    """Do runs go down the columns, counted from 1?"""
    mask = decode_rle("2 1 4 3", (3, 4))
    assert mask.dtype == bool
    assert mask.astype(int).tolist() == [[0, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0]]
    assert encode_rle(mask) == "2 1 4 3"


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_empty_code(text):
    """Does a code without numbers mean that no pixel is set?"""
    assert not decode_rle(text, (3, 4)).any()
    assert encode_rle(np.zeros((3, 4), dtype=bool)) == ""


def test_untidy_code():
    """Are more spaces than one, touching runs and an integer mask understood?"""
    assert np.array_equal(decode_rle(" 1 2\t3  1\n", (2, 2)), [[1, 1], [1, 0]])
    assert encode_rle(np.array([[1, 2], [1, 0]])) == "1 3"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2 3", "has 3 numbers, .* the last start, 3, has no length"),
        ("7", "has 1 numbers, .* the last start, 7, has no length"),
        ("1 x", "holds 'x', but must hold whole numbers"),
        ("1.5 2", "holds '1.5', but must hold whole numbers"),
        ("1,2", "holds '1,2', but must hold whole numbers"),
        ("1_0 2", "holds '1_0', but must hold whole numbers"),
        ("\u0661 2", "holds '\u0661', but must hold whole numbers"),
        (f"1 {10**30}", "holds '1000000000.*', but must hold whole numbers"),
        ("1 1 5 0", "has the run '5 0', but starts and lengths are counted from 1"),
        ("1 1 5 -2", "has the run '5 -2', but starts and lengths are counted from 1"),
        ("0 3", "has the run '0 3', but starts and lengths are counted from 1"),
        ("-4 3", "has the run '-4 3', but starts and lengths are counted from 1"),
        ("1 3 3 1", "has the run '3 1', which overlaps the run ahead of it, '1 3'"),
        ("5 2 4 2", "has the run '4 2', which overlaps the run ahead of it, '5 2'"),
        ("1 1 8 2 3 1", "has the run '3 1', which lies before the run ahead of it, '8 2'"),
        ("12 1 13 1", "a run from pixel 13 to pixel 13, but the image of 4 x 3 has 12 pixels"),
        ("10 4", "a run from pixel 10 to pixel 13, but the image of 4 x 3 has 12 pixels"),
        (f"5 {10**17}", "but the image of 4 x 3 has 12 pixels"),
    ],
)
def test_bad_code(text, words):
    """Does each fault raise one sentence that says what was given?"""
    with pytest.raises(ValueError, match=words) as caught:
        decode_rle(text, (3, 4))
    assert re.fullmatch(r"The run-length code [^\n]*[^.]\.", str(caught.value))


def test_last_pixel():
    """May a run end at the last pixel of the image?"""
    assert decode_rle("10 3", (3, 4))[:, 3].all()


def test_speed():
    """Does a ship of 768 x 768 pixels take well under a millisecond to decode?"""
    y, x = np.mgrid[:768, :768]
    ship = (abs(x - y) < 20) & (abs(x + y - 700) < 100)
    text = encode_rle(ship)
    assert np.array_equal(decode_rle(text, ship.shape), ship)
    ten = [text] * 10
    assert quiet_seconds(lambda: [decode_rle(text, ship.shape) for text in ten]) / 10 < 0.001


@pytest.fixture(scope="module")
def harbours():
    return load_harbours()


def test_real_images(harbours):
    """Are all tiles and ships of sen2ships read, every box inside its tile, without a problem?"""
    kinds = len(harbours.with_ships), len(harbours.without_ships)
    assert (len(harbours), *kinds) == (1101, 192, 909)
    boxes = []
    for scene in harbours:
        assert scene.image.shape == (3, 128, 128)
        boxes.append(scene.boxes)
    assert [i for i, found in enumerate(boxes) if len(found)] == list(harbours.with_ships)
    boxes = torch.cat(boxes)
    assert len(boxes) == 399
    assert ((boxes >= 0) & (boxes <= 128)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert harbours.problems == ()


def test_real_mining(harbours):
    """Are the tiles without ships mined as they lie in the folder, each looked at once?"""
    set_seed(0)
    empty = Subset(harbours, harbours.without_ships)
    found = mine_hard_negatives(ShipDetector(width=8), empty, max_negatives=30)
    assert found.scanned == 909 and len(set(found.indices)) == len(found.found) == 30
    names = {harbours.names[i] for i in harbours.without_ships}
    assert {negative.name for negative in found.found} <= names
    assert found.unreadable == ()


def write_deep_png(path, pixels):
    """Write a PNG of 16 bits a channel, in grey or colour; Pillow writes the former alone."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    content = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        content += struct.pack(">I", len(data)) + kind + data
        content += struct.pack(">I", zlib.crc32(kind + data))
    path.write_bytes(content)


LEVELS = np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 40  # 0 to 3800, as of 12 bits
DEEP = {
    "grey.png": lambda path: write_deep_png(path, LEVELS[..., None]),
    "colour.png": lambda path: write_deep_png(path, LEVELS[..., None].repeat(3, 2)),
    "alpha.png": lambda path: write_deep_png(path, LEVELS[..., None].repeat(4, 2)),
    "16.tif": lambda path: Image.fromarray(LEVELS.astype(np.uint16)).save(path),
    "32.tif": lambda path: Image.fromarray(LEVELS.astype(np.int32)).save(path),
    "float.tif": lambda path: Image.fromarray(LEVELS.astype(np.float32)).save(path),
}


@pytest.mark.parametrize("name", DEEP)
def test_more_than_8_bits(tmp_path, name):
    """Is an image of more than 8 bits reported, rather than read with its levels cut off?"""
    folder = write_folder(tmp_path, f"{name},", "a.jpg,")
    DEEP[name](tmp_path / "train_v2" / name)
    images = AirbusFolder(folder)
    assert len(images.check()) == 1
    assert name in images.problems[0] and "more than 8 bits" in images.problems[0]


@pytest.mark.parametrize(
    ("name", "mode"), [("a.bmp", "RGB"), ("a.tif", "RGB"), ("a.tif", "1"), ("a.gif", "P")]
)
def test_8_bits_and_fewer(tmp_path, name, mode):
    """Are other formats of 8 bits a channel and fewer read?"""
    folder = write_folder(tmp_path, f"{name},")
    write_image(tmp_path / "train_v2" / name, mode=mode)
    images = AirbusFolder(folder)
    assert not images.check() and images[0].image.shape == (3, HEIGHT, WIDTH)
