"""A figure that is quick to draw again: what stands still is drawn once and kept as pixels."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image


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
