"""What a training run has measured, and the log of one that is under way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice

import torch
from torch import Tensor

from course_utils.training.distributed import summed, world_size
from course_utils.training.evaluate import Measures, to_floats, weighted_mean


@dataclass
class History:
    """The measurements of one training run, as plain numbers.

    Attributes:
        train_loss: mean training loss of each epoch, while the model was learning.
        valid_loss: mean validation loss after each epoch; empty without validation batches.
        valid_accuracy: validation accuracy after each epoch, from 0 to 1; likewise.
        valid_metrics: further measures after each epoch, by name.
        epoch_seconds: wall time of each epoch, its validation included.
        step_loss: training loss of each step, before the step.
        recorded: values of each step, by name (see `loop.fit`).
    """

    train_loss: list[float] = field(default_factory=list)
    valid_loss: list[float] = field(default_factory=list)
    valid_accuracy: list[float] = field(default_factory=list)
    valid_metrics: dict[str, list[float]] = field(default_factory=dict)
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

    def __init__(self, loss: float, where: str, history: History, cause: str | None = None):
        remedy = (
            "lower the learning rate (find_lr shows which ones work), or look for NaN and infinite "
            "values in the data"
        )
        super().__init__(f"The loss is {loss} {where}: {cause or remedy}.")
        self.history = history


class RunLog:
    """Keeps losses on the device as they come, and brings them to the host once an epoch.

    Where several ranks run, each adds its own part of each step; then, too, the parts are put
    together, so that every rank has the history of the whole (but its own clock's seconds).

    Args:
        record: maps names to functions of the optimizer, called at each step.
        loader: what the batches come from, in which a NaN is looked for when a loss is none.

    Attributes:
        history: the measurements; a step is missing until its epoch ends or the log is saved.
        weights: what the mean loss of each step of the unfinished epoch was divided by; until the
            parts are put together, on this rank.
    """

    def __init__(self, record: dict[str, Callable[[torch.optim.Optimizer], float]], loader=()):
        self.record, self.loader = record, loader
        self.history = History(recorded={name: [] for name in record})
        self.weights: list[Tensor | float] = []
        self._losses: list[Tensor] = []
        self._recorded: dict[str, list[Tensor | float]] = {name: [] for name in record}
        self._start = time.perf_counter()

    @property
    def steps(self) -> int:
        """The number of steps so far, those of the unfinished epoch included."""
        return len(self.history.step_loss) + len(self._losses)

    def add_step(
        self, loss: Tensor, weight: Tensor | float, optimizer: torch.optim.Optimizer
    ) -> None:
        """Add a step's loss, a 0-d tensor that may still be in the making, and recorded values."""
        self._losses.append(loss)
        self.weights.append(weight)
        for name, value in self.record.items():
            self._recorded[name].append(value(optimizer))

    def finish_epoch(self, validation: Measures | None) -> None:
        """Add the epoch's results to the history, all brought to the host in one transfer.

        Args:
            validation: what `evaluate.measure` returned, or None.

        Raises:
            NonFiniteLoss: a training loss or the validation loss is infinite or NaN.
            ValueError: the epoch had no batch.
        """
        history, epoch = self.history, self.history.epochs + 1
        if not self.weights:
            raise ValueError(
                f"The batches are empty in epoch {epoch}: give a loader with at least one batch, "
                "which can be iterated anew in each epoch."
            )
        measured = self._collect(*(validation.on_device() if validation else ()))
        if validation is not None:
            loss, accuracy = validation.overall(*measured)
            if not math.isfinite(loss):
                where = f"on the validation batches after epoch {epoch}"
                raise NonFiniteLoss(loss, where, history)
            history.valid_loss.append(loss)
            history.valid_accuracy.append(accuracy)
            for name, value in validation.metrics.items():
                history.valid_metrics.setdefault(name, []).append(value)
        steps = history.step_loss[-len(self.weights) :]
        history.train_loss.append(weighted_mean(steps, self.weights))
        now = time.perf_counter()
        history.epoch_seconds.append(now - self._start)
        self.weights, self._start = [], now

    def keep_finite_steps(self) -> None:
        """Bring the steps of an interrupted epoch into the history, up to one that is no number."""
        if world_size() == 1:  # other ranks may not come along
            with suppress(NonFiniteLoss):
                self._collect()

    def state_dict(self) -> dict:
        """Return the log in plain values.

        Raises:
            NonFiniteLoss: a loss is infinite or NaN, so that the run is not worth keeping.
        """
        self._collect()
        seconds = time.perf_counter() - self._start
        return {"history": vars(self.history), "sizes": self.weights, "seconds": seconds}

    def load_state_dict(self, state: dict) -> None:
        """Continue the log that `state_dict` described."""
        self.history, self.weights = History(**state["history"]), state["sizes"]
        self._losses.clear()
        self._start = time.perf_counter() - state["seconds"]

    def _collect(self, *more: list[Tensor]) -> list[list[float]]:
        new = len(self._losses)
        known = len(self.weights) - new  # steps of this epoch that were collected before
        waiting = [self._losses, self.weights[known:], *self._recorded.values()]
        losses, weights, *others = to_floats(*waiting, *more)
        losses, self.weights[known:] = _of_all_ranks(losses, weights)
        self._losses.clear()
        finite = next((n for n, loss in enumerate(losses) if not math.isfinite(loss)), new)
        self.history.step_loss += losses[:finite]
        for name, values in zip(self._recorded, others, strict=False):
            self.history.recorded[name] += map(float, values[:finite])
            self._recorded[name] = []
        if finite < new:
            where = f"at step {known + finite + 1} of epoch {self.history.epochs + 1}"
            cause = non_finite_batch(self.loader)
            raise NonFiniteLoss(losses[finite], where, self.history, cause)
        return others[len(self._recorded) :]


def non_finite_batch(loader, most: int = 100) -> str | None:
    """Say which of the first batches holds a value that is no number, if one does."""
    with suppress(Exception):  # whatever it is, the loss is what the reader has to know of
        for number, batch in enumerate(islice(loader, most), 1):
            for part in batch if isinstance(batch, tuple | list) else ():
                if isinstance(part, Tensor) and not torch.isfinite(part).all():
                    return f"batch {number} holds NaN or infinite values, so clean the data"
    return None


def _of_all_ranks(losses: list[float], weights: list[float]) -> tuple[list[float], list[float]]:
    """Return each step's mean loss and weight over all ranks, given this one's."""
    if world_size() == 1:
        return losses, weights
    # A rank whose targets are all ignored has weight 0, and a mean that is no number.
    own = [loss * weight if weight else 0.0 for loss, weight in zip(losses, weights, strict=True)]
    totals = summed([*own, *weights])
    weights = totals[len(losses) :]
    return [total / (weight or 1) for total, weight in zip(totals, weights, strict=False)], weights
