"""A training's log for TensorBoard, the viewer of training curves that many teams work with."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from course_utils.history import History

_OF_EPOCHS = ("train_loss", "valid_loss", "valid_accuracy")


class TensorBoardLog:
    """Writes a run for TensorBoard while it goes on: `fit(..., watchers=[TensorBoardLog(folder)])`.

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
