"""What follows a training while it runs: a progress line, a log for TensorBoard, averaged weights.

In a Jupyter kernel the line is one output that is updated in place, without widgets, so that the
stored notebook holds one line of plain text.
"""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.optim import swa_utils
from tqdm import tqdm

from course_utils._validate import check_number, check_whole
from course_utils.training.distributed import rank
from course_utils.training.history import History, RunLog


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
    if in_kernel():
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


def in_kernel() -> bool:
    """Say whether this runs in a Jupyter kernel, not in a script nor in IPython's terminal."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


_OF_EPOCHS = ("train_loss", "valid_loss", "valid_accuracy")


class TensorBoardLog:
    """Writes a run for TensorBoard as it goes on: `fit(..., callbacks=[TensorBoardLog(folder)])`.

    Written at the end of each epoch: `epoch/train_loss`, `epoch/valid_loss` and
    `epoch/valid_accuracy` over the epochs, `step/loss` and `step/NAME` of each recorded value over
    the steps, both counted from 1. A run that goes on from a checkpoint, or starts again, replaces
    what the folder shows. In a loop of your own, open it with `with TensorBoardLog(folder) as log`
    and call `log(history)` after each epoch.

    Args:
        folder: of this run alone; `tensorboard --logdir` takes the folder above it, and then shows
            the runs side by side.

    Raises:
        ModuleNotFoundError: TensorBoard is not installed.
    """

    def __init__(self, folder: str | Path):
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ModuleNotFoundError(
                "TensorBoard is not installed, which TensorBoardLog needs: run `python -m pip "
                "install tensorboard` and restart the kernel, or train without it."
            ) from error
        self.folder, self._open = Path(folder), SummaryWriter

    def __enter__(self) -> TensorBoardLog:
        # purge_step=0: what an earlier run left in the folder, from step 0 on, is not shown.
        self._writer = self._open(self.folder, purge_step=0)
        self._history, self._written = History(), Counter()
        return self

    def __call__(self, history: History) -> None:
        """Write what the history holds and has not been written yet."""
        self._history = history
        series = {f"epoch/{name}": getattr(history, name) for name in _OF_EPOCHS}
        series["step/loss"] = history.step_loss
        series |= {f"step/{name}": values for name, values in history.recorded.items()}
        for tag, values in series.items():
            for number, value in enumerate(values[self._written[tag] :], self._written[tag] + 1):
                self._writer.add_scalar(tag, value, number)
            self._written[tag] = len(values)
        self._writer.flush()

    def __exit__(self, *error) -> None:
        self(self._history)  # the steps before a loss that is not finite
        self._writer.close()


class StopTraining(Exception):
    """Raised by a callback to end the training after this epoch; the history stays."""


class AveragedWeights:
    """Averages a model's weights over the steps: `fit(..., callbacks=[AveragedWeights(model)])`.

    The exponential moving average of Polyak and Juditsky (1992) in its usual form, through
    `torch.optim.swa_utils.AveragedModel`; buffers, such as batch norm's statistics, are averaged
    too. A checkpoint of the run keeps it.

    Args:
        model: the model that is trained.
        decay: how much of the average stays at each step, 0 to 1; `1 / (1 - decay)` steps count.

    Attributes:
        model: the averaged model, to evaluate or to save.

    Raises:
        ValueError: the decay is out of its range.
    """

    def __init__(self, model: nn.Module, *, decay: float = 0.999):
        check_number("decay", decay, least=0, below=1)
        average = swa_utils.get_ema_multi_avg_fn(decay)
        self.model = swa_utils.AveragedModel(model, multi_avg_fn=average, use_buffers=True)
        self._trained = model

    def after_step(self) -> None:
        """Take the present weights into the average."""
        self.model.update_parameters(self._trained)

    def __call__(self, history: History) -> None:
        """Do nothing at the end of an epoch."""

    def state_dict(self) -> dict:
        """Return the averaged model's state."""
        return self.model.state_dict()

    def load_state_dict(self, state: dict) -> None:
        """Continue an average that `state_dict` described."""
        self.model.load_state_dict(state)


def gradient_norm(optimizer: torch.optim.Optimizer) -> Tensor:
    """Return the norm of all gradients together, a 0-d tensor: `record={"norm": gradient_norm}`.

    Recorded after a step, it is that of the step's gradient, clipped where `clip_norm` clips.
    """
    groups = optimizer.param_groups
    gradients = [p.grad for group in groups for p in group["params"] if p.grad is not None]
    return nn.utils.get_total_norm(gradients)


class Audience:
    """All that follows a run: the progress line and the callbacks, in one block.

    Args:
        callbacks: called with the history after each epoch. One that is a context manager is open
            for the whole run; one with `after_step()` is called after each step.
        total: the number of steps, or None where it is not known.
        progress: whether the line is shown.

    Attributes:
        stopped: whether a callback has ended the training: it returned True, or raised
            `StopTraining`.
    """

    def __init__(self, callbacks: Sequence, total: int | None, progress: bool):
        if rank():  # the first process tells for all
            callbacks, progress = (), False
        self.callbacks, self.stopped = callbacks, False
        self._bar = progress_bar(total, description="training", enabled=progress)
        self._each_step = [c.after_step for c in callbacks if hasattr(c, "after_step")]
        self._stack = ExitStack()

    def __enter__(self) -> Audience:
        self._stack.enter_context(self._bar)
        for callback in self.callbacks:
            if hasattr(callback, "__exit__"):
                self._stack.enter_context(callback)
        return self

    def __exit__(self, kind, error, traceback) -> None:
        if isinstance(error, KeyboardInterrupt):
            self._bar.set("interrupted; the history so far: sys.last_value.history")
        self._stack.__exit__(kind, error, traceback)

    def catch_up(self, log: RunLog) -> None:
        """Show a run that goes on from a checkpoint."""
        self._bar.update(log.steps)
        if log.history.epochs:
            self.after_epoch(log.history)

    def after_step(self) -> None:
        """Tell of a step."""
        for tell in self._each_step:
            tell()
        self._bar.update()

    def after_epoch(self, history: History) -> None:
        """Tell of an epoch."""
        self._bar.set(history.last_epoch)
        for callback in self.callbacks:
            try:
                self.stopped |= callback(history) is True
            except StopTraining:
                self.stopped = True
