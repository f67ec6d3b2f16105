"""What shows a training while it runs: a progress line, and a plot of the losses.

In a Jupyter kernel each is one output that is updated in place, without widgets, so that the stored
notebook holds one line of plain text and one plain figure.
"""

from __future__ import annotations

import base64
import io
import math
import sys
import time

from tqdm import tqdm

from course_utils.history import History
from course_utils.limits import check_whole

# Drawing takes about a tenth of a second.
SECONDS_BETWEEN_DRAWINGS = 1.0


def progress_bar(total: int | None, *, description: str, enabled: bool = True) -> ProgressBar:
    """Make a progress line for `total` steps, to be used in a `with` block; tqdm in a terminal.

    Inside, `.update(n=1)` counts steps, cheaply: the line is drawn ten times a second at most.
    `.set(text)` sets the words behind the count, shown when the line is next drawn. The last state
    stays as the output, after an error or Ctrl-C as well. It holds the seconds taken, so nbval
    cannot compare this cell's output.

    Args:
        total: the number of steps, or None where it is not known.
        description: stands before the count.
        enabled: False shows nothing at all.

    Raises:
        ValueError: the total is no integer from 0.
    """
    if total is not None:
        check_whole("total", total)
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


class LivePlot:
    """A plot of the losses that grows while a model trains: `fit(..., watchers=[LivePlot()])`.

    Losses above and validation accuracy below, over the epochs, as `plots.plot_history` draws them;
    without validation batches the training loss alone. It is drawn anew at the end of an epoch, at
    most once a second. The last state stays as the output, after an error or Ctrl-C as well. It is
    for notebooks: outside a Jupyter kernel nothing is drawn. In a loop of your own, open it with
    `with LivePlot() as plot` and call `plot(history)` after each epoch.
    """

    def __enter__(self) -> LivePlot:
        self._handle = self._history = None
        self._drawn = (0, -math.inf)  # the epochs in the latest drawing, and when it was made
        return self

    def __call__(self, history: History) -> None:
        """Take in the history of a run, and draw it where the last drawing is old enough."""
        self._history = history
        if time.perf_counter() - self._drawn[1] > SECONDS_BETWEEN_DRAWINGS:
            self._draw()

    def __exit__(self, *error) -> None:
        if self._history is not None and self._history.epochs > self._drawn[0]:
            self._draw()

    def _draw(self) -> None:
        if _in_kernel():
            from IPython.display import display

            image = base64.b64encode(_png(self._history)).decode()
            content = {"image/png": image, "text/plain": self._history.last_epoch}
            if self._handle is None:
                self._handle = display(content, raw=True, display_id=True)
            else:
                self._handle.update(content, raw=True)
        self._drawn = (self._history.epochs, time.perf_counter())


def _png(history: History) -> bytes:
    """Draw a history that has an epoch at least."""
    # Only here: matplotlib takes long to import, and training alone does not need it. No pyplot
    # figure, as the notebook would show that one a second time at the end of the cell.
    from matplotlib.figure import Figure

    from course_utils.plots import plot_history

    figure = Figure(figsize=(8, 5))
    if history.valid_loss:
        axes = plot_history(figure.subplots(2, 1, sharex=True), history)
    else:
        axes = [figure.subplots()]
        axes[0].plot(range(1, history.epochs + 1), history.train_loss, label="training")
        axes[0].set(xlabel="epoch", ylabel="mean loss (nats)")
        axes[0].legend()
    for line in (line for ax in axes for line in ax.lines):
        line.set_marker(".")  # or else the first epoch, a single point, would not be seen
    axes[0].set_title(f"Training, after epoch {history.epochs}")
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _in_kernel() -> bool:
    """Say whether this runs in a Jupyter kernel, not in a script nor in IPython's terminal."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
