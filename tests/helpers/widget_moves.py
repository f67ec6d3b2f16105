"""A widget taken apart: what it draws, its controls, and the places that these can be moved to."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import ipywidgets
from ipywidgets import ValueWidget
from machine_speed import quiet_seconds


@dataclass(frozen=True)
class Parts:
    """What a module hands to `widgets.show_widget`."""

    draw: Callable[..., bytes]
    controls: dict[str, ValueWidget]
    unused: Callable[..., tuple] = lambda **settings: ()

    @property
    def start(self) -> dict:
        """The settings before any move."""
        return {name: control.value for name, control in self.controls.items()}

    def moves(self) -> list[dict]:
        """The settings after each move of one control alone, to each place of `places`."""
        return [
            {**self.start, name: value}
            for name, control in self.controls.items()
            for value in places(control)
        ]

    def idle(self, **settings) -> set[str]:
        """Name the controls of which no place changes the picture of these settings."""
        start = {**self.start, **settings}
        first = self.draw(**start)
        return {
            name
            for name, control in self.controls.items()
            if all(self.draw(**{**start, name: place}) == first for place in places(control))
        }

    def milliseconds_a_move(self) -> float:
        """Draw all moves; return the mean time of one, as it would be on a quiet machine."""
        moves = self.moves()
        seconds = quiet_seconds(lambda: [self.draw(**move) for move in moves], rounds=2)
        return 1000 * seconds / len(moves)


def take_apart(monkeypatch, explore: Callable[..., None], *arguments, **keywords) -> Parts:
    """Call a function that shows a widget, and return what it would have shown."""
    parts = []
    module = sys.modules[explore.__module__]
    with monkeypatch.context() as patch:
        patch.setattr(module, "show_widget", lambda *args, **kwargs: parts.append((args, kwargs)))
        explore(*arguments, **keywords)
    ((args, kwargs),) = parts
    taken = Parts(*args, **kwargs)
    assert all(control.description for control in taken.controls.values())
    return taken


def places(control: ValueWidget) -> list:
    """Return the values to try: both ends of a slider, every option of a list."""
    if isinstance(control, ipywidgets.Dropdown):
        return [value for _, value in control._options_full]
    if isinstance(control, ipywidgets.SelectionSlider | ipywidgets.SelectionRangeSlider):
        first, *_, last = control.options
        is_range = isinstance(control, ipywidgets.SelectionRangeSlider)
        return [(first, last), (first, first), (last, last)] if is_range else [first, last]
    if isinstance(control, ipywidgets.FloatRangeSlider):
        middle = (control.min + control.max) / 2
        return [(control.min, control.max), (control.min, control.min), (middle, control.max)]
    if isinstance(control, ipywidgets.FloatLogSlider):
        return [control.base**control.min, control.base**control.max]
    return [control.min, control.max]
