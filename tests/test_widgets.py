import base64
import io
from pathlib import Path

import ipywidgets
import nbformat
import pytest
from ipywidgets import FloatSlider
from nbclient import NotebookClient
from PIL import Image

from course_utils import widgets
from course_utils.widgets import show_widget

VIEW = "application/vnd.jupyter.widget-view+json"
CELL = """
from ipywidgets import FloatSlider
from matplotlib.figure import Figure
from course_utils.sketch import Sketch
from course_utils.widgets import show_widget
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
    monkeypatch.setattr(widgets, "display", lambda bundle, raw: bundles.append(bundle))
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
    (bundle,) = shown
    assert set(bundle) == {VIEW, "image/png", "text/plain"}
    assert base64.b64decode(bundle["image/png"]) == b"picture"
    assert "run this cell" in bundle["text/plain"]


def test_without_widgets(shown, monkeypatch):
    """Is a plain picture all that is shown under COURSE_WIDGETS=no?"""
    monkeypatch.setenv("COURSE_WIDGETS", "no")
    show_widget(lambda lr: b"picture", {"lr": FloatSlider()})
    (bundle,) = shown
    assert set(bundle) == {"image/png", "text/plain"}


@pytest.mark.parametrize("setting", ["yes", "no"])
def test_in_a_kernel(setting, monkeypatch):
    """Does a run without a browser come to its end, with a picture that can be stored?"""
    monkeypatch.setenv("COURSE_WIDGETS", setting)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    root = str(Path(__file__).parent.parent)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": root}}).execute()
    nbformat.validate(notebook)
    (output,) = notebook.cells[0].outputs
    picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
    assert picture.size == (200, 100)
    assert (VIEW in output.data) == (setting == "yes")
