"""The log of a training under way: what it has measured, and its epoch that is not finished."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from operator import mul

import torch
from torch import Tensor

from course_utils.evaluation import overall, to_floats, weighted_mean
from course_utils.history import History, NonFiniteLoss
from course_utils.ranks import summed, world_size


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
            validation: what `evaluation.measure` returned, or None.

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
