"""The widgets of a lesson: move every control by the keyboard, and see the figure change."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from statistics import median

import nbformat
from browser.notebook_page import NotebookPage
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Locator

VIEW = "application/vnd.jupyter.widget-view+json"
SECONDS_TO_CHANGE = 5


@dataclass
class Moves:
    """What came out of moving the controls of one widget.

    Attributes:
        milliseconds: from each key to the new picture, in the browser.
        faults: sentences.
        moved: the controls that were moved, by what is written on them.
    """

    milliseconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    moved: set[str] = field(default_factory=set)

    def __str__(self) -> str:
        count, times = len(self.milliseconds), self.milliseconds or [0.0]
        return (
            f"{len(self.moved)} controls, {count} moves, each seen after {median(times):.0f} ms "
            f"(at the most {max(times):.0f} ms)"
        )


def widget_cells(notebook: nbformat.NotebookNode) -> list[str]:
    """Return the sources of the cells that show a widget."""
    return [
        cell.source
        for cell in notebook.cells
        if any(VIEW in output.get("data", {}) for output in cell.get("outputs", []))
    ]


def move_all(page: NotebookPage, source: str) -> Moves:
    """Move each control of a cell's widget: one step of a slider, every option of a list.

    A control that is greyed out is moved when the choice in a list has made it usable.

    Args:
        page: of the lesson.
        source: of the cell.
    """
    cell, moves = page.find(source.splitlines()[0]), Moves()
    picture = cell.locator("img.widget-image")
    picture.scroll_into_view_if_needed()
    move_sliders(cell, picture, moves)
    for box in cell.locator(".widget-dropdown").all():
        select, label = box.locator("select"), _label(box)
        options = select.locator("option").all_inner_texts()
        for option in [*options[1:], options[0]]:
            if not _changes(picture, lambda to=option, s=select: s.select_option(to), moves):
                moves.faults.append(f"the choice of {option!r} in {label!r} changed no figure")
            move_sliders(cell, picture, moves)
        moves.moved.add(label)
    labels = {_label(box) for box in cell.locator(".widget-inline-hbox").all()}
    moves.faults += [f"{label!r} could never be moved" for label in labels - moves.moved - {""}]
    moves.faults += unnamed_handles(cell)
    return moves


def ends(shown: str) -> list[str]:
    """Return what a slider shows, and the two ends where that is a range."""
    return [shown, *re.split(r" – |(?<=\d)-", shown)]


def unnamed_handles(cell: Locator) -> list[str]:
    """Look for handles of sliders that tell a screen reader other words than the eye reads."""
    faults = []
    for box in cell.locator(".widget-slider").all():
        label, shown = _label(box), box.locator(".widget-readout").inner_text()
        for handle in box.locator(".noUi-handle").all():
            name, value = (handle.get_attribute(f"aria-{key}") for key in ("label", "valuetext"))
            if not (name or "").startswith(label) or value not in ends(shown):
                faults.append(f"the slider {label!r} is read as {name!r}, {value!r}, not {shown!r}")
    return faults


def after_a_restart(page: NotebookPage, source: str) -> list[str]:
    """Restart the kernel under a widget: a sentence has to take its place."""
    page.restart("Restart Kernel…")
    cell = page.find(source.splitlines()[0])
    page.screenshot("after_restart")
    is_said = cell.get_by_text("The kernel was restarted: run this cell again").is_visible()
    is_gone = not cell.locator("img.widget-image").is_visible()
    return [] if is_said and is_gone else ["after a restart the sliders stay, and move nothing"]


def move_sliders(cell: Locator, picture: Locator, moves: Moves) -> None:
    """Press an arrow key on each slider that is usable and was not moved before."""
    for box in cell.locator(".widget-slider").all():
        label = _label(box)
        if label in moves.moved or box.locator("[disabled]").count():
            continue
        for handle in box.locator(".noUi-handle").all():
            now, end = (handle.get_attribute(f"aria-value{part}") for part in ("now", "max"))
            keys = ("ArrowRight", "ArrowLeft")  # the second for a slider at its end
            if not any(
                _changes(picture, lambda key=key, h=handle: h.press(key), moves)
                for key in (keys[::-1] if now == end else keys)
            ):
                moves.faults.append(f"the slider {label!r} changed no figure")
        moves.moved.add(label)


def _label(box: Locator) -> str:
    return box.locator(".widget-label").first.inner_text()


def _changes(picture: Locator, move, moves: Moves) -> bool:
    """Make a move, and say whether the picture became another one within five seconds."""
    before, start = picture.get_attribute("src"), time.perf_counter()
    move()
    while time.perf_counter() - start < SECONDS_TO_CHANGE:
        try:
            if picture.get_attribute("src", timeout=1000) != before:
                moves.milliseconds.append(1000 * (time.perf_counter() - start))
                return True
        except PlaywrightError:  # the view is just being made anew
            continue
    return False
