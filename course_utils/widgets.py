"""Sliders under a cell that move a figure; a reader without a kernel sees the figure as it starts.

The figure goes into an image widget. An output widget, which `ipywidgets.interact` uses, talks back
to the kernel while the cell runs, and it makes a new picture element for each move, so that the
page jumps.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Collection, Mapping

import ipywidgets
from IPython.display import display
from ipywidgets import Layout, ValueWidget

_REMARK = "A figure with sliders: open the lesson in JupyterLab and run this cell to move them."


def show_widget(
    draw: Callable[..., bytes],
    controls: Mapping[str, ValueWidget],
    *,
    unused: Callable[..., Collection[str]] = lambda **settings: (),
) -> None:
    """Show a picture under controls, and draw it again whenever one of them is moved.

    The output holds the first picture as well, for a page that knows no widgets. With
    `COURSE_WIDGETS=no` it holds nothing else: so are notebooks executed that are to be stored.

    Args:
        draw: a plain function; takes a value for each control, by its name, and returns a PNG.
        controls: name -> control; its `description` says what is set, with the unit.
        unused: takes the same values, and names the controls that do nothing beside them: these are
            greyed out.
    """
    settings = {name: control.value for name, control in controls.items()}
    first = draw(**settings)
    output = {"image/png": base64.b64encode(first).decode(), "text/plain": _REMARK}
    if os.environ.get("COURSE_WIDGETS") != "no":
        image = ipywidgets.Image(value=first, format="png", layout=Layout(max_width="100%"))

        def redraw(_change=None) -> None:
            settings = {name: control.value for name, control in controls.items()}
            for name, control in controls.items():
                control.disabled = name in unused(**settings)
            image.value = draw(**settings)

        redraw()
        for control in controls.values():
            control.style.description_width = "12em"
            control.layout.width = "28em"
            control.observe(redraw, names="value")
        rows = ipywidgets.Box([*controls.values()], layout=Layout(flex_flow="row wrap"))
        output |= ipywidgets.VBox(
            [rows, image], layout=Layout(align_items="flex-start")
        )._repr_mimebundle_()
        output["text/plain"] = _REMARK
    display(output, raw=True)
