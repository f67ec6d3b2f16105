"""A limit of time for code that may never end, on every platform."""

from __future__ import annotations

import contextvars
import ctypes
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")


class OutOfTime(BaseException):
    """Raised inside code that is out of time; no `except Exception` of that code swallows it.

    Where a bare `except` does, the next line that the code runs raises it again, and that line is
    the first after the `except`, outside of its `try`.
    """

    def __init__(self):
        super().__init__()
        sys.settrace(_raise_again)
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_filename != __file__:
            frame.f_trace = _raise_again
            frame = frame.f_back


def run_with_limit(function: Callable[[], Result], *, seconds: float) -> Result:
    """Call `function()` and return its result, or raise what it raised.

    The function runs in a thread of its own. When its time is over an exception is raised in it,
    again and again for a second. A function that even so does not end (as it waits in C code, say)
    is left behind. Ctrl-C ends it in the same way.
    Python 3.10 alone cannot be helped in `while True: try: …` without a call: it hangs as a whole.

    Raises:
        TimeoutError: the function took longer than `seconds`.
    """
    box: dict = {}
    running = threading.Lock()  # not Thread.join: Ctrl-C in it marks a running thread as ended
    running.acquire()

    def work() -> None:
        try:
            box["result"] = function()
        except BaseException as error:  # handed to the caller, SystemExit included
            box["error"] = error
        finally:
            if sys.gettrace() is _raise_again:
                sys.settrace(None)
            running.release()

    # The context carries IPython's knowledge of the cell into which display() writes.
    context = contextvars.copy_context()
    worker = threading.Thread(target=context.run, args=(work,), daemon=True)
    worker.start()
    try:
        in_time = _wait_for(running, seconds)
    except KeyboardInterrupt:
        _stop(worker, running)
        raise
    if not in_time:
        rest = "" if _stop(worker, running) else " and could not be stopped: restart the kernel"
        raise TimeoutError(f"The function did not end within {seconds:g} seconds{rest}.")
    if "error" in box:
        raise box["error"]
    return box["result"]


def _raise_again(frame: FrameType, event: str, argument: Any) -> Callable:
    """Raise `OutOfTime` at a line of code; Python calls this as `sys.settrace` says."""
    if event == "line":
        raise OutOfTime
    return _raise_again


def _wait_for(lock: threading.Lock, seconds: float) -> bool:
    """Say whether a lock was got in time; waits shortly, as Windows lets Ctrl-C in between only."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if lock.acquire(timeout=min(seconds, 0.1)):
            return True
    return False


def _stop(worker: threading.Thread, running: threading.Lock) -> bool:
    """Raise `OutOfTime` in a thread until it ends; say whether it did within a second."""
    end = time.monotonic() + 1
    while time.monotonic() < end:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(worker.ident), ctypes.py_object(OutOfTime)
        )
        if running.acquire(timeout=0.01):
            return True
    return False
