"""The training loop, as on the blackboard."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from operator import length_hint
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from course_utils._validate import check_parts, check_type, check_whole
from course_utils.training.callbacks import Audience
from course_utils.training.checkpoint import RunCheckpoint
from course_utils.training.distributed import check_loader_of_ranks, make_step, take_from_first
from course_utils.training.evaluate import Metrics, measure
from course_utils.training.history import History, RunLog
from course_utils.training.preserve_state import owners, train_mode


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loader: Iterable,
    *,
    epochs: int,
    schedule=None,
    valid_loader: Iterable[tuple[Tensor, Tensor]] | None = None,
    loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    metrics: Metrics | None = None,
    step: Callable[..., Tensor] | None = None,
    accumulate: int = 1,
    clip_norm: float | None = None,
    amp: bool | None = None,
    record: dict[str, Callable[[torch.optim.Optimizer], float]] | None = None,
    checkpoint: str | Path | None = None,
    save_every: int | None = None,
    override: Sequence[str] = (),
    progress: bool = False,
    callbacks: Sequence[Callable[[History], object]] = (),
) -> History:
    """Train a model for `epochs` epochs.

    Losses stay on the device and come over once an epoch; their means are weighted by what the loss
    itself divides by (`loss.batch_weight`). A sampler or data set with `set_epoch` is told the
    epoch. What is in evaluation mode on purpose stays so (`preserve_state.train_mode`). On cuda the
    weights of convolutions are put into the channels_last format.

    With `checkpoint`, a run whose file exists goes on from there, and ends bit-equal to a run that
    was never interrupted (where the device's kernels are deterministic). Build model, optimizer,
    schedule and loader as for the first call.

    Ctrl-C leaves through `KeyboardInterrupt`, whose attribute `history` holds the steps so far.

    Inside `distributed.join_ranks`, several processes train one model: each calls `fit` alike, and
    takes its own part of each batch (as `DeviceLoader` and `SceneLoader` give it). Gradients,
    history and checkpoint are those of the whole; the first process alone writes, shows progress
    and has callbacks.

    Args:
        model: the network, on its device; it is in train mode afterwards.
        optimizer: any `torch.optim.Optimizer` over the model's parameters, and others if need be.
        loader: yields (inputs, targets) in each epoch, on any device; with `step`, whatever that
            takes.
        epochs: epochs of the whole run, those in the checkpoint included.
        schedule: has `step()`, called after each optimizer step (`OneCycle`, or any scheduler of
            `torch.optim.lr_scheduler` that counts steps); or a function that makes one from the
            optimizer. A `ReduceLROnPlateau` gets each epoch's validation loss.
        valid_loader: pairs (inputs, targets) on which the model is evaluated after each epoch.
        loss_function: maps (prediction, target) to the mean loss over a batch, a 0-d tensor.
        metrics: further measures of the validation, see `evaluate`.
        step: takes one optimizer step on its batches and returns the loss, a 0-d tensor; replaces
            the default `TrainStep(model, optimizer, ...)`, for batches that are no pairs, several
            models, or optimizers with closures. Its method `weight(*batches)`, if it has one, says
            what its mean loss was divided by; else that is the number of samples.
        accumulate: batches an optimizer step (gradient accumulation).
        clip_norm: the largest norm of the gradient, see `TrainStep`.
        amp: automatic mixed precision, see `TrainStep`.
        record: maps names to functions of the optimizer, whose values are kept for each step, e.g.
            `{"lr": lambda optimizer: optimizer.param_groups[0]["lr"]}`.
        checkpoint: file that is written after each epoch.
        save_every: write it every so many steps of an epoch as well.
        override: names of optimizer settings that are changed on purpose where a run goes on, as
            ["lr"]: they are taken from the optimizer, not from the checkpoint.
        progress: show a live line with the epoch's results.
        callbacks: called with the history so far after each epoch, and at once in a run that goes
            on. One that returns True or raises `StopTraining` ends the training; one that is a
            context manager is open for the whole run (`LivePlot`, `TensorBoardLog`); one with
            `after_step()` is called after each step (`AveragedWeights`).

    Raises:
        FileNotFoundError: the checkpoint is a folder.
        NonFiniteLoss: a loss of the epoch, or since the last save, is infinite or NaN.
        TypeError: model, optimizer, loader, a batch, a loss, a recorded value or a callback is of
            another type.
        ValueError: a setting is out of its range, the batches are empty, nothing can be trained,
            the schedule does not fit the optimizer or the number of steps, the ranks have other
            numbers of batches, or the checkpoint is damaged or of another run.
    """
    check_parts(model, optimizer, loader)
    _to_channels_last(model)
    if step is None:
        settings = {"loss_function": loss_function, "amp": amp, "clip_norm": clip_norm}
        step = make_step(model, optimizer, **settings)
    schedule = schedule(optimizer) if callable(schedule) else schedule
    _check_numbers(epochs, accumulate)
    a_epoch = math.ceil(length_hint(loader) / accumulate)
    _check_saving(loader, checkpoint, save_every)
    _check_types(record or {}, callbacks, metrics, valid_loader)
    _check_loaders(epochs, loader, valid_loader)
    plateau = _check_schedule(schedule, optimizer, valid_loader)
    log = RunLog(record or {}, loader)
    kept = _kept(schedule, step, loader, valid_loader, loss_function, log, callbacks)
    saving = {"save_every": save_every, "override": override}
    saved = RunCheckpoint(checkpoint, model, optimizer, kept, **saving)
    saved.resume(epochs)
    _check_length(schedule, epochs, a_epoch, log.steps)
    train_mode(model)
    try:
        with Audience(callbacks, epochs * a_epoch or None, progress) as audience:
            audience.catch_up(log)
            while log.history.epochs < epochs and not audience.stopped:
                set_epoch(loader, log.history.epochs)
                for batches in in_groups(loader, accumulate):
                    loss = step(*batches)
                    log.add_step(loss, weight_of(step, batches), optimizer)
                    if schedule is not None and not plateau:
                        schedule.step()
                    saved.after_step(is_last=len(log.weights) == a_epoch)
                    audience.after_step()
                take_from_first(model.buffers())
                validated = None
                if valid_loader is not None:
                    validated = measure(model, valid_loader, loss_function, metrics or {})
                log.finish_epoch(validated)
                if plateau:
                    schedule.step(log.history.valid_loss[-1])
                saved.save()
                audience.after_epoch(log.history)
    except KeyboardInterrupt as interrupt:
        log.keep_finite_steps()
        interrupt.history = log.history
        raise
    return log.history


def in_groups(loader: Iterable, size: int) -> Iterator[list]:
    """Yield the batches of an epoch in groups of `size`, the last of which may be smaller."""
    batches = iter(loader)
    while group := list(islice(batches, size)):
        yield group


def set_epoch(loader, epoch: int) -> None:
    """Tell a loader's samplers and data sets, at any depth, which epoch begins."""
    for owner in owners(loader):
        if hasattr(owner, "set_epoch"):
            owner.set_epoch(epoch)


def weight_of(step, batches: Sequence) -> Tensor | int:
    """Return what a step's mean loss was divided by: as the step says, else its samples."""
    if hasattr(step, "weight"):
        return step.weight(*batches)
    return sum(map(_number_of_samples, batches))


def _number_of_samples(batch) -> int:
    """Return the length of a batch's first part, as of (inputs, targets) or {"image": inputs}."""
    parts = batch.values() if isinstance(batch, dict) else batch
    if not isinstance(batch, Tensor) and isinstance(parts, Iterable):
        batch = next(iter(parts), ())
    return len(batch) if hasattr(batch, "__len__") and getattr(batch, "ndim", 1) else 1


def _kept(schedule, step, loader, valid_loader, loss_function, log, callbacks) -> dict:
    """Return by name what a checkpoint keeps beside model and optimizer, if it has a state."""
    scaler = getattr(step, "scaler", None)
    return {
        "schedule": schedule,
        "scaler": scaler if scaler is not None and scaler.is_enabled() else None,
        "step": step,
        "batches": loader,
        "valid_batches": valid_loader,
        "loss_function": loss_function,
        "log": log,
        **{f"callback {number}": callback for number, callback in enumerate(callbacks)},
    }


def _check_numbers(epochs: int, accumulate: int) -> None:
    check_whole("epochs", epochs, 1)
    check_whole("accumulate", accumulate, 1)


def _check_saving(loader, checkpoint, save_every) -> None:
    if save_every is None:
        return
    check_whole("save_every", save_every, 1)
    if checkpoint is None:
        raise ValueError("save_every needs a file to save to: give checkpoint=path as well.")
    if not hasattr(loader, "load_state_dict"):
        raise ValueError(
            f"The loader is a {type(loader).__name__}, which cannot go on in the middle of an "
            "epoch: use DeviceLoader, or leave out save_every to save at the end of each epoch."
        )


def _check_types(record, callbacks, metrics, valid_loader) -> None:
    for name, function in record.items():
        check_type(f"record[{name!r}]", function, Callable)
    for callback in callbacks:
        check_type("A callback", callback, Callable)
    if metrics and valid_loader is None:
        raise ValueError("metrics are measured on validation batches: give valid_loader as well.")


def _check_loaders(epochs, loader, valid_loader) -> None:
    for name, given in (("loader", loader), ("valid_loader", valid_loader)):
        if isinstance(given, Iterator) and epochs > 1:
            raise ValueError(
                f"{name} is a one-shot iterator ({type(given).__name__}), which has batches for "
                f"one epoch, not for {epochs}: give the loader itself, or a list of batches."
            )
    check_loader_of_ranks(loader)


def _check_schedule(schedule, optimizer: torch.optim.Optimizer, valid_loader) -> bool:
    """Refuse a schedule that cannot work; say whether it waits for a plateau of the loss."""
    if not any(group["lr"] or group.get("initial_lr") for group in optimizer.param_groups):
        raise ValueError(
            "The learning rate is 0 in every parameter group, so nothing would be learnt: "
            "build the optimizer with a positive lr."
        )
    if schedule is None:
        return False
    if not hasattr(schedule, "step"):
        raise ValueError(
            f"The schedule is {schedule!r}, which has no step(): give a scheduler, or a function "
            "that makes one from the optimizer."
        )
    if getattr(schedule, "optimizer", optimizer) is not optimizer:
        raise ValueError(
            f"The schedule {type(schedule).__name__} was built on another optimizer (before its "
            "cell was run again?), so this one's learning rate would stay as it is: build the "
            "schedule anew."
        )
    if isinstance(schedule, ReduceLROnPlateau):
        if valid_loader is None:
            raise ValueError(
                "ReduceLROnPlateau looks at the validation loss: give valid_loader as well."
            )
        return True
    return False


def _check_length(schedule, epochs: int, a_epoch: int, done: int) -> None:
    """Refuse a schedule that ends before the training; remark on one that ends after it.

    Args:
        schedule: to judge, or None.
        epochs: of the whole run.
        a_epoch: steps an epoch, 0 where nobody knows.
        done: steps that the run has taken already.
    """
    name, steps = type(schedule).__name__, epochs * a_epoch - done
    total = getattr(schedule, "total_steps", None)
    left = (total or 0) - getattr(schedule, "steps_done", getattr(schedule, "last_epoch", 0))
    words = f"The schedule {name} has {left} steps left, but the training takes {steps}"
    if a_epoch and total and left < steps:
        raise ValueError(f"{words}: build it with total_steps={steps}.")
    if a_epoch and total and left > steps:
        _remark(f"{words} and ends before it: build it with total_steps={steps}.")
    counts = [getattr(schedule, word, 0) for word in ("T_max", "total_iters", "step_size")]
    counts.append(max(getattr(schedule, "milestones", ()), default=0))
    if a_epoch > 1 and 0 < max(counts) <= epochs:
        _remark(
            f"The schedule {name} counts to {max(counts)} and is stepped after each of the "
            f"{epochs * a_epoch} optimizer steps, not of the {epochs} epochs: count steps, "
            f"{a_epoch} an epoch."
        )


def _remark(words: str) -> None:
    warnings.warn(words, UserWarning, stacklevel=4)


def _to_channels_last(model: nn.Module) -> None:
    """Lay out 2-D convolutions' weights on cuda for tensor cores; the parameters stay the same."""
    for parameter in model.parameters():
        if parameter.is_cuda and parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
