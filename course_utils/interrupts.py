"""Ctrl-C that comes twice, as an impatient reader presses it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_interrupt() -> Iterator[None]:
    """Let Ctrl-C interrupt a block once: a second one does not interrupt what undoes the block.

    Outside of the main thread, where Python raises no Ctrl-C, nothing changes.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        yield
        return
    came = False

    def interrupt_once(number, frame) -> None:
        nonlocal came
        if not came:
            came = True
            usual(number, frame)

    signal.signal(signal.SIGINT, interrupt_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
