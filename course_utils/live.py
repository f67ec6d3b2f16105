"""A live progress line that is one line of plain text in the stored notebook.

In a Jupyter kernel one text output is updated in place, without widgets; in a terminal it is
ordinary tqdm on stderr.
"""

from __future__ import annotations

import io
import sys

from tqdm import tqdm


def progress_bar(total: int, *, description: str, enabled: bool = True) -> ProgressBar:
    """Make a progress line for `total` steps, to be used in a `with` block.

    Inside, `.update(n=1)` counts steps, cheaply: the line is drawn ten times a second at most.
    `.set(text)` sets the words behind the count, shown when the line is next drawn. The last state
    stays as the output, after an error or Ctrl-C as well. It holds the seconds taken, so nbval
    cannot compare this cell's output.

    Args:
        total: the number of steps.
        description: stands before the count.
        enabled: False shows nothing at all.
    """
    # miniters=1: look at the clock in each step, lest a change of pace freezes the line.
    settings = {"total": total, "desc": description, "disable": not enabled, "miniters": 1}
    if _in_kernel():
        layout = "{l_bar}{bar:20}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}]{postfix}"
        return KernelProgressBar(file=io.StringIO(), ascii=False, bar_format=layout, **settings)
    return ProgressBar(**settings)


class ProgressBar(tqdm):
    """A tqdm on stderr, with words behind the count."""

    monitor_interval = 0  # no drawing thread: in a kernel it would not know its cell

    def set(self, text: str) -> None:
        """Set the words behind the count, as "valid accuracy 0.83"."""
        self.set_postfix_str(text, refresh=False)


class KernelProgressBar(ProgressBar):
    """A tqdm that draws itself as one text output of the running cell."""

    _handle = None

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Draw the line: tqdm calls this, at the start, in `update` and at the end."""
        from IPython.display import display

        content = {"text/plain": str(self) if msg is None else msg}
        if self._handle is None:
            self._handle = display(content, raw=True, display_id=True)
        else:
            self._handle.update(content, raw=True)


def _in_kernel() -> bool:
    """Say whether this runs in a Jupyter kernel, not in a script nor in IPython's terminal."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
