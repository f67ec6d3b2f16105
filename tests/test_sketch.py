import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from course_utils.sketch import Sketch


def make(title="title"):
    figure = Figure(figsize=(4, 3), dpi=50, layout="constrained")
    ax = figure.subplots()
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="x", title=title)
    return ax, figure


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png))).astype(int)


def test_picture_is_that_of_matplotlib():
    """Is the picture the one that matplotlib draws of frame and artists together?"""
    ax, figure = make()
    sketch = Sketch(figure)

    def draw():
        ax.plot([0, 1], [0, 1], "k", lw=3)
        ax.text(0.2, 0.7, "words")
        ax.set_title("other words")

    drawn, empty = pixels(sketch.png(draw)), pixels(sketch.png(lambda: None))
    draw()
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format="png", dpi=50)
        whole = pixels(buffer.getvalue())[..., :3]
    assert drawn.shape == (150, 200, 3)
    assert np.abs(drawn - whole).mean() < 0.1  # the line lies over the axes' edge, not under it
    assert np.abs(drawn - empty).mean() > 2


def test_nothing_is_left_behind():
    """Is the second picture free of the first, and are the axes as they were?"""
    ax, figure = make()
    sketch = Sketch(figure)
    empty, children = sketch.png(lambda: None), set(ax.get_children())
    full = sketch.png(lambda: (ax.plot([0, 1]), ax.bar([0.5], [0.5]), ax.set_title("words")))
    assert full != empty
    assert sketch.png(lambda: None) == empty
    assert set(ax.get_children()) == children and ax.get_title() == ""


def test_same_settings_same_picture():
    """Does the same drawing give the same bytes?"""
    ax, figure = make()
    sketch = Sketch(figure)
    assert sketch.png(lambda: ax.plot([0, 1])) == sketch.png(lambda: ax.plot([0, 1]))


def test_limits_stay():
    """Does an artist outside the frame's limits leave them as they are?"""
    ax, figure = make()
    ax.autoscale(True)
    sketch = Sketch(figure)
    before = ax.get_xlim()
    sketch.png(lambda: ax.plot([0, 100]))
    assert ax.get_xlim() == before


def test_title_keeps_its_place_but_is_no_part_of_the_frame():
    """Is there room for a title as high as the frame's, and is the frame's own left out?"""
    high, low = make("two\nlines"), make("")
    pictures = [Sketch(figure).png(lambda: None) for _, figure in (high, low)]
    heights = [ax.get_window_extent().height for ax, _ in (high, low)]
    assert heights[0] < heights[1] - 10
    rows = pixels(pictures[0]).min(axis=(1, 2))
    assert (rows[:15] == 255).all()  # white where the title was


def test_error_in_a_drawing():
    """Are the axes as they were after a drawing that fails?"""
    ax, figure = make()
    sketch = Sketch(figure)
    empty = sketch.png(lambda: None)

    def fail():
        ax.plot([0, 1])
        raise ValueError("no such setting")

    with pytest.raises(ValueError, match="no such setting"):
        sketch.png(fail)
    assert sketch.png(lambda: None) == empty
