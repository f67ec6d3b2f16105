import re
import timeit

import numpy as np
import pytest

from course_utils.rle import decode_rle, encode_rle, mask_to_box, parse_runs


def slow_decode(text, shape):
    """Set the pixels one by one."""
    height, width = shape
    mask = [[False] * width for _ in range(height)]
    numbers = [int(word) for word in text.split()]
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        for pixel in range(start, start + length):
            column, row = divmod(pixel - 1, height)
            mask[row][column] = True
    return np.array(mask)


def slow_encode(mask):
    """Walk down the columns, and begin and end a run wherever the value changes."""
    words, run = [], None
    pixels = [value for column in mask.T for value in column]
    for number, value in enumerate([*pixels, False], start=1):
        if value and run is None:
            run = number
        if not value and run is not None:
            words += [str(run), str(number - run)]
            run = None
    return " ".join(words)


def random_masks():
    """Make masks of all shapes and densities, with the empty and the full one."""
    rng = np.random.default_rng(0)
    for case in range(60):
        shape = tuple(rng.integers(1, 12, 2))
        yield rng.random(shape) < (0.0, 1.0, 0.1, 0.5, 0.9)[case % 5]


def test_by_hand():
    """Do runs go down the columns, counted from 1?"""
    mask = decode_rle("2 1 4 3", (3, 4))
    assert mask.dtype == bool
    assert mask.astype(int).tolist() == [[0, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0]]
    assert encode_rle(mask) == "2 1 4 3"


def test_against_slow_reference():
    """Do both directions agree with a loop over pixels, on shapes that are not square?"""
    for mask in random_masks():
        text = encode_rle(mask)
        assert text == slow_encode(mask)
        assert np.array_equal(slow_decode(text, mask.shape), mask)
        assert np.array_equal(decode_rle(text, mask.shape), mask)


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


def test_runs_need_no_shape():
    """Are a code's runs given from 0 on with exclusive ends, wherever the image ends?"""
    starts, ends = parse_runs("1 2 1000000 1")
    assert (starts.tolist(), ends.tolist()) == ([0, 999_999], [2, 1_000_000])


def test_box_against_slow_reference():
    """Is a mask's box the smallest that holds all of its pixels, the far edges exclusive?"""
    for mask in random_masks():
        if not mask.any():
            continue
        pixels = [(x, y) for y, row in enumerate(mask) for x, value in enumerate(row) if value]
        xs, ys = zip(*pixels, strict=True)
        box = mask_to_box(mask)
        assert box == (min(xs), min(ys), max(xs) + 1, max(ys) + 1)
        assert all(type(value) is float for value in box)


def test_bad_mask():
    """Does a mask without a pixel, or with another number of dimensions, raise one sentence?"""
    with pytest.raises(
        ValueError, match=r"^The mask of 4 x 3 is empty, but a box needs a pixel\.$"
    ):
        mask_to_box(np.zeros((3, 4), dtype=bool))
    for function in (mask_to_box, encode_rle):
        with pytest.raises(ValueError, match=r"^The mask has the shape \(2, 3, 4\), but must be"):
            function(np.zeros((2, 3, 4), dtype=bool))


def test_speed():
    """Does a ship of 768 x 768 pixels take well under a millisecond to decode?"""
    y, x = np.mgrid[:768, :768]
    ship = (abs(x - y) < 20) & (abs(x + y - 700) < 100)
    text = encode_rle(ship)
    assert np.array_equal(decode_rle(text, ship.shape), ship)
    seconds = timeit.repeat(lambda: decode_rle(text, ship.shape), number=10, repeat=10)
    assert min(seconds) / 10 < 0.001
