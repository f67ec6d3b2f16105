"""What holds for every mask and its run-length code."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from course_utils.detection.airbus import decode_rle, encode_rle, mask_to_box, parse_runs


@st.composite
def masks(draw):
    """Draw a mask of any small shape, as dense as its bits happen to be."""
    height, width = draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    bits = draw(st.integers(0, 2 ** (height * width) - 1))
    return np.array([bool(bits >> k & 1) for k in range(height * width)]).reshape(height, width)


# (gap before it, length) of each run; a gap of 0 makes two runs touch
RUN = st.tuples(st.integers(0, 9), st.integers(1, 9))
RUNS, SOME_RUNS = (st.lists(RUN, min_size=least, max_size=12) for least in (0, 2))


def code_of(runs):
    """Return the code of runs, and the number of pixels that they need."""
    place, words = 1, []
    for gap, length in runs:
        words += [place + gap, length]
        place += gap + length
    return " ".join(map(str, words)), place - 1


@given(masks())
def test_round_trip(mask):
    """Does a mask come back as it was?"""
    back = decode_rle(encode_rle(mask), mask.shape)
    assert back.dtype == bool
    assert np.array_equal(back, mask)


@given(masks())
def test_columns_come_first(mask):
    """Is pixel 1 the top left one, pixel 2 the one below it, and so on down the columns?"""
    starts, ends = parse_runs(encode_rle(mask))
    pixels = {pixel for run in zip(starts, ends, strict=True) for pixel in range(*run)}
    columns, rows = np.nonzero(mask.T)
    assert pixels == set((columns * len(mask) + rows).tolist())


@given(masks())
def test_few_runs(mask):
    """Are the runs of an encoded mask apart, so that none could be joined to the next?"""
    starts, ends = parse_runs(encode_rle(mask))
    assert (starts[1:] > ends[:-1]).all()
    assert (ends > starts).all()


@given(masks())
def test_area(mask):
    """Is the sum of the lengths the number of pixels, with the rest in the inverted mask's?"""
    areas = []
    for part in (mask, ~mask):
        starts, ends = parse_runs(encode_rle(part))
        areas.append(int((ends - starts).sum()))
    assert areas == [mask.sum(), mask.size - mask.sum()]


@given(RUNS, st.integers(1, 8), st.integers(0, 30))
def test_any_legal_code(runs, height, more):
    """Does a code with touching runs give the mask of its pixels, and the code without them?"""
    text, needed = code_of(runs)
    width = -(-(needed + more) // height) or 1
    mask = decode_rle(text, (height, width))
    assert mask.sum() == sum(length for _, length in runs)
    assert np.array_equal(decode_rle(encode_rle(mask), mask.shape), mask)
    joined = sum(1 for number, (gap, _) in enumerate(runs) if gap or not number)
    assert len(encode_rle(mask).split()) == 2 * joined


@given(SOME_RUNS, st.data())
def test_runs_out_of_order(runs, data):
    """Is a code with two of its runs exchanged refused?"""
    words = code_of(runs)[0].split()
    one = data.draw(st.integers(0, len(runs) - 2))
    other = data.draw(st.integers(one + 1, len(runs) - 1))
    pairs = [words[2 * k : 2 * k + 2] for k in range(len(runs))]
    pairs[one], pairs[other] = pairs[other], pairs[one]
    with pytest.raises(ValueError, match="but runs must be in rising order and apart"):
        parse_runs(" ".join(sum(pairs, [])))


@given(st.lists(st.sampled_from("0123456789 -.\tx"), max_size=20).map("".join))
def test_any_text(text):
    """Is each text either runs that are in order and apart, or one sentence that refuses it?"""
    try:
        starts, ends = parse_runs(text)
    except ValueError as error:
        assert str(error).startswith("The run-length code") and str(error).endswith(".")
    else:
        assert len(text.split()) == 2 * len(starts)
        assert (starts >= 0).all() and (ends > starts).all() and (starts[1:] >= ends[:-1]).all()


@given(masks())
def test_boxes(mask):
    """Does the box hold all pixels tightly, the far edges exclusive?"""
    assume(mask.any())
    rows, columns = np.nonzero(mask)
    x0, y0, x1, y1 = mask_to_box(mask)
    assert (x0, y0) == (columns.min(), rows.min())
    assert (x1, y1) == (columns.max() + 1, rows.max() + 1)
    assert mask_to_box(mask.T) == (y0, x0, y1, x1)
