"""Sliders under a cell that move a figure; a reader without a kernel sees the figure as it starts.

The figure goes into an image widget. An output widget, which `ipywidgets.interact` uses, talks back
to the kernel while the cell runs, and it makes a new picture element for each move, so that the
page jumps.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Collection, Mapping

import ipywidgets
import numpy as np
from IPython.display import Javascript, display
from ipywidgets import Layout, ValueWidget
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

_REMARK = "A figure with sliders: open the lesson in JupyterLab and run this cell to move them."
# Once the kernel has gone, a sentence stands in place of sliders that move nothing.
_RESTARTED = """
<style>
.course-restarted { display: none; }
.course-sliders.jupyter-widgets-disconnected > * { display: none; }
.course-sliders.jupyter-widgets-disconnected > .course-restarted { display: block; }
</style>
The kernel was restarted: run this cell again (and those above it) to move the sliders.
"""
# ipywidgets gives a slider's handle no name and an unrounded value: a screen reader is to hear what
# stands beside the slider.
_NAME_HANDLES = r"""
const nameHandles = () => document.querySelectorAll(".widget-slider").forEach(slider => {
  const label = slider.querySelector(".widget-label").innerText;
  const readout = slider.querySelector(".widget-readout").innerText;
  const handles = slider.querySelectorAll(".noUi-handle");
  // a range reads "0.1 – 1", one between named steps "0.9-0.96"
  const values = handles.length > 1 ? readout.split(/ – |(?<=\d)-/) : [readout];
  handles.forEach((handle, index) => {
    const end = handles.length > 1 ? [", low", ", high"][index] : "";
    handle.setAttribute("aria-label", label + end);
    handle.setAttribute("aria-valuetext", values[index]);
  });
});
requestAnimationFrame(() => {
  const changes = {subtree: true, childList: true, characterData: true};
  new MutationObserver(nameHandles).observe(element.closest(".jp-OutputArea"), changes);
  nameHandles();
});
"""
# Steps of a momentum or a beta: what they do goes by 1 - value.
NEAR_ONE = (0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85)
NEAR_ONE += (0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)


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
        restarted = ipywidgets.HTML(_RESTARTED).add_class("course-restarted")
        box = ipywidgets.VBox([rows, image, restarted], layout=Layout(align_items="flex-start"))
        output |= box.add_class("course-sliders")._repr_mimebundle_()
        output["text/plain"] = _REMARK
    display(output, raw=True)
    if os.environ.get("COURSE_WIDGETS") != "no":
        display(Javascript(_NAME_HANDLES))


class Sketch:
    """A figure in two layers: a frame that stays, and artists that are drawn over it anew.

    Most of the time that a figure takes goes into its axes: ticks, labels and layout. Here they are
    drawn once (matplotlib's manual calls it blitting), and nothing moves but what has changed.

    Args:
        figure: its axes have labels, ticks and limits; all that is in them is the frame, but for
            the titles, which only keep a place. The sketch owns the figure: a change of the frame
            made later is not seen.
    """

    def __init__(self, figure: Figure):
        self._axes = figure.axes
        self._canvas = FigureCanvasAgg(figure)
        self._canvas.draw()  # lays out, with the titles
        figure.set_layout_engine("none")
        for ax in self._axes:
            ax.set_title("")
            ax.autoscale(False)
        self._canvas.draw()
        self._pixels = self._canvas.copy_from_bbox(figure.bbox)
        self._frame = set(self._artists())

    def png(self, draw: Callable[[], object]) -> bytes:
        """Draw over the frame and return the picture; afterwards the axes are as they were.

        Args:
            draw: adds artists (lines, patches, texts) to the axes, and may set their titles.
        """
        self._canvas.restore_region(self._pixels)
        for ax in self._axes:
            ax.set_prop_cycle(None)  # or else each picture begins with the next colour
        try:
            draw()
            titles = [ax.title for ax in self._axes]
            for artist in sorted(self._added(), key=Artist.get_zorder) + titles:
                artist.draw(self._canvas.get_renderer())
        finally:
            for artist in self._added():
                artist.remove()
            for ax in self._axes:
                ax.set_title("")
        picture = np.asarray(self._canvas.buffer_rgba())[..., :3]
        with io.BytesIO() as buffer:
            Image.fromarray(picture).save(buffer, format="png", compress_level=1)
            return buffer.getvalue()

    def _artists(self) -> list[Artist]:
        return [artist for ax in self._axes for artist in ax.get_children()]

    def _added(self) -> list[Artist]:
        return [artist for artist in self._artists() if artist not in self._frame]
