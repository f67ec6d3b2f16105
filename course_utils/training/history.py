"""What a training run has measured, and the log of one that is under way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import mul

import torch
from torch import Tensor

from course_utils.training.distributed import summed, world_size
from course_utils.training.evaluate import overall, to_floats, weighted_mean


@dataclass
class History:
    """The measurements of one training run, as plain numbers.

    Attributes:
        train_loss: mean training loss of each epoch, while the model was learning.
        valid_loss: mean validation loss after each epoch; empty without validation batches.
        valid_accuracy: validation accuracy after each epoch, from 0 to 1; likewise.
        epoch_seconds: wall time of each epoch, its validation included.
        step_loss: training loss of each step, before the step.
        recorded: values of each step, by name (see `loop.fit`).
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


class RunLog:
    """Keeps losses on the device as they come, and brings them to the host once an epoch.

    Where several ranks run, each adds its own part of each step; then, too, the parts are put
    together, so that every rank has the history of the whole (but its own clock's seconds).

    Args:
        record: maps names to functions of the optimizer, called at each step.

    Attributes:
        history: the measurements; a step is missing until its epoch ends or the log is saved.
        sizes: number of samples in each step of the unfinished epoch; until the parts are put
            together, on this rank.
    """

    def __init__(self, record: dict[str, Callable[[torch.optim.Optimizer], float]]):
        self.record = record
        self.history = History(recorded={name: [] for name in record})
        self.sizes: list[int] = []
        self._losses: list[Tensor] = []
        self._start = time.perf_counter()

    def add_step(self, loss: Tensor, size: int, optimizer: torch.optim.Optimizer) -> None:
        """Add a step's loss, a 0-d tensor that may still be in the making, and recorded values."""
        self._losses.append(loss)
        self.sizes.append(size)
        for name, value in self.record.items():
            self.history.recorded[name].append(float(value(optimizer)))

    def finish_epoch(self, validation: tuple | None) -> None:
        """Add the epoch's results to the history, all brought to the host in one transfer.

        Args:
            validation: what `evaluate.measure` returned, or None.

        Raises:
            NonFiniteLoss: a training loss or the validation loss is infinite or NaN.
            ValueError: the epoch had no batch.
        """
        epoch = self.history.epochs + 1
        if not self.sizes:
            raise ValueError(
                f"The batches are empty in epoch {epoch}: give a loader with at least one batch, "
                "which can be iterated anew in each epoch."
            )
        losses, correct, sizes = validation or ([], [], [])
        losses, correct = self._collect(losses, correct)
        if validation is not None:
            loss, accuracy = overall(losses, correct, sizes)
            if not math.isfinite(loss):
                where = f"on the validation batches after epoch {epoch}"
                raise NonFiniteLoss(loss, where, self.history)
            self.history.valid_loss.append(loss)
            self.history.valid_accuracy.append(accuracy)
        steps = self.history.step_loss[-len(self.sizes) :]
        self.history.train_loss.append(weighted_mean(steps, self.sizes))
        now = time.perf_counter()
        self.history.epoch_seconds.append(now - self._start)
        self.sizes, self._start = [], now

    def state_dict(self) -> dict:
        """Return the log in plain values.

        Raises:
            NonFiniteLoss: a loss is infinite or NaN, so that the run is not worth keeping.
        """
        self._collect()
        seconds = time.perf_counter() - self._start
        return {"history": vars(self.history), "sizes": self.sizes, "seconds": seconds}

    def load_state_dict(self, state: dict) -> None:
        """Continue the log that `state_dict` described."""
        self.history, self.sizes = History(**state["history"]), state["sizes"]
        self._losses.clear()
        self._start = time.perf_counter() - state["seconds"]

    def _collect(self, *more: list[Tensor]) -> list[list[float]]:
        losses, *others = to_floats(self._losses, *more)
        known = len(self.sizes) - len(losses)  # steps of this epoch that were collected before
        self._losses.clear()
        losses, self.sizes[known:] = _of_all_ranks(losses, self.sizes[known:])
        for number, loss in enumerate(losses, known + 1):
            if not math.isfinite(loss):
                for values in self.history.recorded.values():
                    del values[len(self.history.step_loss) :]
                where = f"at step {number} of epoch {self.history.epochs + 1}"
                raise NonFiniteLoss(loss, where, self.history)
            self.history.step_loss.append(loss)
        return others


def _of_all_ranks(losses: list[float], sizes: list[int]) -> tuple[list[float], list[int]]:
    """Return each step's mean loss and size over all ranks, given this one's."""
    if world_size() == 1:
        return losses, sizes
    totals = summed([*map(mul, losses, sizes), *sizes])
    sizes = [int(size) for size in totals[len(losses) :]]
    return [total / size for total, size in zip(totals, sizes, strict=False)], sizes
