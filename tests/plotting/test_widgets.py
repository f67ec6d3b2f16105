import base64
import io

import ipywidgets
import nbformat
import numpy as np
import pytest
from ipywidgets import FloatSlider
from matplotlib.figure import Figure
from nbclient import NotebookClient
from PIL import Image
from tiny_notebooks import REPOSITORY

from course_utils.plotting import widgets
from course_utils.plotting.widgets import NEAR_ONE, Sketch, show_widget

VIEW = "application/vnd.jupyter.widget-view+json"
CELL = """
from ipywidgets import FloatSlider
from matplotlib.figure import Figure
from course_utils.plotting.widgets import Sketch
from course_utils.plotting.widgets import show_widget
figure = Figure(figsize=(2, 1))
ax = figure.subplots()
sketch = Sketch(figure)
slider = FloatSlider(description="height", value=0.5)
show_widget(lambda height: sketch.png(lambda: ax.plot([height])), {"height": slider})
"""


@pytest.fixture
def shown(monkeypatch):
    """Collect what is displayed."""
    bundles = []
    monkeypatch.setattr(widgets, "display", lambda shown, raw=False: bundles.append(shown))
    return bundles


@pytest.fixture
def image(monkeypatch):
    """Take hold of the image widget that is made."""
    made = []
    real = ipywidgets.Image
    monkeypatch.setattr(
        widgets.ipywidgets, "Image", lambda **settings: made.append(real(**settings)) or made[-1]
    )
    return lambda: made[0]


def test_each_move_draws(shown, image):
    """Is the picture drawn at first and after each move, with the values of all controls?"""
    controls = {"lr": FloatSlider(value=0.5), "momentum": FloatSlider(value=0.9)}
    show_widget(lambda lr, momentum: f"{lr} {momentum}".encode(), controls)
    assert image().value == b"0.5 0.9"
    controls["momentum"].value = 0.8
    assert image().value == b"0.5 0.8"
    controls["lr"].value = 0.1
    assert image().value == b"0.1 0.8"


def test_unused_controls_are_greyed_out(shown, image):
    """Is a control disabled as long as it does nothing, from the start on, and no longer?"""
    controls = {"a": FloatSlider(value=0, max=1), "b": FloatSlider(value=0, max=1)}
    show_widget(lambda a, b: b"", controls, unused=lambda a, b: ("b",) if a == 0 else ())
    assert [control.disabled for control in controls.values()] == [False, True]
    controls["a"].value = 1
    assert [control.disabled for control in controls.values()] == [False, False]


def test_one_output_for_all_readers(shown):
    """Holds the output the widget, the first picture, and words for a reader of neither?"""
    show_widget(lambda lr: b"picture", {"lr": FloatSlider()})
    bundle, names = shown
    assert set(bundle) == {VIEW, "image/png", "text/plain"}
    assert "aria-label" in names.data
    assert base64.b64decode(bundle["image/png"]) == b"picture"
    assert "run this cell" in bundle["text/plain"]


def test_without_widgets(shown, monkeypatch):
    """Is a plain picture all that is shown under COURSE_WIDGETS=no?"""
    monkeypatch.setenv("COURSE_WIDGETS", "no")
    show_widget(lambda lr: b"picture", {"lr": FloatSlider()})
    (bundle,) = shown
    assert set(bundle) == {"image/png", "text/plain"}


@pytest.mark.slow
@pytest.mark.parametrize("setting", ["yes", "no"])
def test_in_a_kernel(setting, monkeypatch):
    """Does a run without a browser come to its end, with a picture that can be stored?"""
    monkeypatch.setenv("COURSE_WIDGETS", setting)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    root = str(REPOSITORY)
    NotebookClient(notebook, timeout=500, resources={"metadata": {"path": root}}).execute()
    nbformat.validate(notebook)
    output = notebook.cells[0].outputs[0]
    picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    assert picture.size == (200, 100)
    assert (VIEW in output.data) == (setting == "yes")


def test_steps_near_one():
    """Do the steps of a momentum get finer towards 1, none more than twice as near as the last?"""
    gaps = 1 - np.array(NEAR_ONE)
    assert (np.diff(gaps) < 0).all() and gaps[0] == 1
    assert (gaps[:-1] / gaps[1:]).max() < 2.01


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
