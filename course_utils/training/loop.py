"""The training loop, as on the blackboard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from operator import length_hint
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils._validate import check_parts, check_type, check_whole
from course_utils.training.callbacks import progress_bar
from course_utils.training.checkpoint import RunCheckpoint
from course_utils.training.distributed import exists_for_all, gathered, rank, take_from_first
from course_utils.training.evaluate import measure
from course_utils.training.history import History, RunLog
from course_utils.training.step import TrainStep


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loader: Iterable[tuple[Tensor, Tensor]],
    *,
    epochs: int,
    schedule=None,
    valid_loader: Iterable[tuple[Tensor, Tensor]] | None = None,
    loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    amp: bool | None = None,
    record: dict[str, Callable[[torch.optim.Optimizer], float]] | None = None,
    checkpoint: str | Path | None = None,
    save_every: int | None = None,
    progress: bool = False,
    callbacks: Sequence[Callable[[History], object]] = (),
) -> History:
    """Train a model for `epochs` epochs.

    Losses stay on the device and come over once an epoch; their means are weighted by batch size.
    On cuda the weights of convolutions are put into the channels_last format.

    With `checkpoint`, a run whose file exists goes on from there, and ends bit-equal to a run that
    was never interrupted (where the device's kernels are deterministic). Build model, optimizer,
    schedule and batches as for the first call.

    Inside `distributed.join_ranks`, the ranks train one model: each calls `fit` alike, and takes its
    own part of each batch (as `DeviceLoader` and `SceneLoader` give it). Gradients, history and
    checkpoint are those of the whole; rank 0 alone writes, shows progress and has callbacks.

    Args:
        model: the network, on its device; it is in train mode afterwards.
        optimizer: any `torch.optim.Optimizer` over the model's parameters.
        loader: yields (inputs, targets) in each epoch, on any device.
        epochs: epochs of the whole run, those in the checkpoint included.
        schedule: has `step()`, called after each optimizer step (`OneCycle`, or any scheduler of
            `torch.optim.lr_scheduler` that counts steps); or a function that makes one from the
            optimizer.
        valid_loader: batches on which the model is evaluated after each epoch.
        loss_function: maps (prediction, target) to the mean loss over a batch, a 0-d tensor.
        amp: automatic mixed precision, see `TrainStep`.
        record: maps names to functions of the optimizer, whose values are kept for each step, e.g.
            `{"lr": lambda optimizer: optimizer.param_groups[0]["lr"]}`.
        checkpoint: file that is written after each epoch.
        save_every: write it every so many steps of an epoch as well.
        progress: show a live line with the epoch's results.
        callbacks: called with the history so far after each epoch, and at once in a run that goes
            on; one that is a context manager is open for the whole run (`LivePlot`,
            `TensorBoardLog`).

    Raises:
        FileNotFoundError: the checkpoint is a folder.
        NonFiniteLoss: a loss of the epoch, or since the last save, is infinite or NaN.
        TypeError: model, optimizer, loader, a recorded value or a callback is of another type.
        ValueError: a setting is out of its range, the batches are empty, nothing can be trained,
            the loss function refuses the targets, the ranks have other numbers of batches, or the
            checkpoint is damaged or of another run.
    """
    check_parts(model, optimizer, loader)
    if any(parameter.is_cuda for parameter in model.parameters()):
        _to_channels_last(model)
    step = TrainStep(model, optimizer, loss_function=loss_function, amp=amp)
    if callable(schedule):
        schedule = schedule(optimizer)
    _check_settings(epochs, loader, schedule, optimizer, checkpoint, save_every)
    _check_types(record or {}, callbacks)
    _check_ranks(loader)
    if rank():
        progress, callbacks = False, ()
    log, saved = RunLog(record or {}), None
    if checkpoint is not None:
        loaders = {"loader": loader, "valid_loader": valid_loader}
        saved = RunCheckpoint(checkpoint, step, log, **loaders, schedule=schedule)
        if exists_for_all(saved.path):
            saved.restore(epochs)
    model.train()
    total = epochs * length_hint(loader) or None
    with ExitStack() as stack:
        bar = stack.enter_context(progress_bar(total, description="training", enabled=progress))
        for callback in callbacks:
            if hasattr(callback, "__exit__"):
                stack.enter_context(callback)
        bar.update(len(log.history.step_loss))
        if log.history.epochs:
            _tell(log.history, bar, callbacks)
        while log.history.epochs < epochs:
            for batch in loader:
                loss = step(batch)
                log.add_step(loss, len(batch[1]), optimizer)
                if schedule is not None:
                    schedule.step()
                steps = len(log.sizes)
                # The last step's save would be overwritten at once by that of the epoch.
                if save_every and steps % save_every == 0 and steps < len(loader):
                    saved.save()
                bar.update()
            take_from_first(model.buffers())
            validated = None
            if valid_loader is not None:
                validated = measure(model, valid_loader, loss_function)
            log.finish_epoch(validated)
            if saved is not None:
                saved.save()
            _tell(log.history, bar, callbacks)
    return log.history


def _tell(history: History, bar, callbacks) -> None:
    bar.set(history.last_epoch)
    for callback in callbacks:
        callback(history)


def _check_settings(epochs, loader, schedule, optimizer, checkpoint, save_every) -> None:
    check_whole("epochs", epochs, 1)
    if schedule is not None and not hasattr(schedule, "step"):
        raise ValueError(
            f"The schedule is {schedule!r}, which has no step(): give a scheduler, or a function "
            "that makes one from the optimizer."
        )
    if not any(group["lr"] or group.get("initial_lr") for group in optimizer.param_groups):
        raise ValueError(
            "The learning rate is 0 in every parameter group, so nothing would be learnt: "
            "build the optimizer with a positive lr."
        )
    if save_every is not None:
        check_whole("save_every", save_every, 1)
    if save_every is not None and checkpoint is None:
        raise ValueError("save_every needs a file to save to: give checkpoint=path as well.")
    if save_every is not None and not hasattr(loader, "load_state_dict"):
        raise ValueError(
            f"The loader is a {type(loader).__name__}, which cannot go on in the middle of an "
            "epoch: use DeviceLoader, or leave out save_every to save at the end of each epoch."
        )


def _check_types(record, callbacks) -> None:
    for name, function in record.items():
        check_type(f"record[{name!r}]", function, Callable)
    for callback in callbacks:
        check_type("A callback", callback, Callable)


def _check_ranks(loader) -> None:
    lengths = gathered(length_hint(loader))
    if len(set(lengths)) > 1:
        raise ValueError(
            f"The ranks have {lengths} batches an epoch, but all must have as many: use "
            "DeviceLoader, which gives each rank a part of every batch, or leave out the last."
        )


def _to_channels_last(model: nn.Module) -> None:
    """Lay out the weights of 2-D convolutions for tensor cores; the parameters stay the same."""
    for parameter in model.parameters():
        if parameter.dim() == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
