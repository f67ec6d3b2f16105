import math

import matplotlib
import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb

from course_utils.plotting.style import COLOURS, SERIES, colour_of, use_course_style


def test_colours_can_be_told_apart():
    """Do any two series differ clearly in colour?"""
    # That people with colour-vision deficiency see it too is the work of Okabe and Ito (2008).
    pairs = [(a, b) for a in SERIES for b in SERIES if a != b]
    assert len(pairs) == len(SERIES) * (len(SERIES) - 1)
    assert all(math.dist(to_rgb(a), to_rgb(b)) > 0.2 for a, b in pairs)


@pytest.mark.parametrize(
    "label, name",
    [
        ("1cycle, 8 epochs", "1cycle"),
        ("constant, 8 epochs", "constant"),
        ("AdamW", "AdamW"),
        ("Adam at 0.01", "Adam"),
        ("momentum SGD", "momentum SGD"),
        ("momentum", "momentum"),
    ],
)
def test_colour_of(label, name):
    """Does a label get the colour of the longest name that it starts with?"""
    assert colour_of(label) == COLOURS[name]


def test_colour_of_an_unknown_label():
    """Does a label without a known name get the first colour?"""
    assert colour_of("something else") == SERIES[0]


def test_style():
    """Does the course's style switch on the grid and the layout without overlap?"""
    with matplotlib.rc_context():
        use_course_style()
        assert plt.rcParams["axes.grid"] and plt.rcParams["figure.constrained_layout.use"]
