"""What a training run has measured."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class History:
    """The measurements of one training run, as plain numbers.

    Attributes:
        train_loss: mean training loss of each epoch, while the model was learning.
        valid_loss: mean validation loss after each epoch; empty without validation batches.
        valid_accuracy: validation accuracy after each epoch, from 0 to 1; likewise.
        epoch_seconds: wall time of each epoch, its validation included.
        step_loss: training loss of each step, before the step.
        recorded: values of each step, by name (see `training.fit`).
    """

    train_loss: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    valid_accuracy: list[float] = field(default_factory=list)
    epoch_seconds: list[float] = field(default_factory=list)
    step_loss: list[float] = field(default_factory=list)
    recorded: dict[str, list[float]] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """The number of finished epochs."""
        return len(self.train_loss)

    @property
    def last_epoch(self) -> str:
        """The last epoch's results in words, for a progress line."""
        if not self.epochs:
            return ""
        words = f"epoch {self.epochs}: train loss {self.train_loss[-1]:.3f}"
        if self.valid_loss:
            words += (
                f", valid loss {self.valid_loss[-1]:.3f}, accuracy {self.valid_accuracy[-1]:.3f}"
            )
        return words


class NonFiniteLoss(RuntimeError):
    """A loss became infinite or NaN; `history` holds what was measured before."""

    def __init__(self, loss: float, where: str, history: History):
        super().__init__(
            f"The loss is {loss} {where}: lower the learning rate (find_lr shows which ones "
            "work), or look for NaN and infinite values in the data."
        )
        self.history = history
