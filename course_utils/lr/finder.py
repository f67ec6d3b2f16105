"""The learning-rate finder: raise the LR step by step, watch the loss, leave no trace."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils._validate import check_number, check_parts, check_type, check_whole
from course_utils.lr.curve import LRCurve, LRRepeats
from course_utils.lr.smoothing import MovingAverage
from course_utils.training.distributed import refuse_ranks
from course_utils.training.evaluate import device_of, measure
from course_utils.training.preserve_state import preserved, train_mode
from course_utils.training.step import TrainStep

STOP_RISE = 2.0
# The first losses, whose range is the least that counts as a fall: they are noisy.
FIRST = 10


def find_lr(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    loader: Iterable,
    *,
    loss_function: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    min_lr: float = 1e-6,
    max_lr: float = 10.0,
    steps: int = 200,
    beta: float = 0.98,
    stop_rise: float | None = STOP_RISE,
    step: Callable[..., Tensor] | None = None,
    accumulate: int = 1,
    clip_norm: float | None = None,
    amp: bool | None = None,
    valid_loader: Iterable | None = None,
    check_every: int | None = None,
) -> LRCurve:
    """Sweep the learning rate from `min_lr` to `max_lr` and measure the loss at each step.

    The learning-rate range test of Smith (2015, arXiv:1506.01186) in the form of the course's
    source text. It may run before training or in its middle: model, optimizer, random generators
    and loaders are as before when it returns, raises or is interrupted (see
    `preserve_state.preserved`).

    Args:
        model: the network, on its device.
        optimizer: its optimizer. With several parameter groups the group of the largest LR takes
            the sweep's and the others keep their ratio to it.
        loader: loader of (inputs, targets); it is cycled when the sweep is longer.
        loss_function: maps (prediction, target) to the mean loss over a batch.
        min_lr: first learning rate.
        max_lr: last learning rate.
        steps: optimizer steps. These and the range are what `LRCurve.suggestion` was chosen for.
        beta: smoothing of the loss that the stop rule looks at, see `smoothing.smooth`.
        stop_rise: stop when the smoothed loss has risen above its lowest by this many times the
            fall before, see `StopRule`; None goes on to `max_lr` or to a loss that is not finite.
        step: takes one optimizer step on its batches and returns the loss; replaces the default
            `TrainStep(model, optimizer, ...)`, as in `fit`. A gradient scaler that the step holds
            as `step.scaler` is restored too.
        accumulate: batches an optimizer step (gradient accumulation).
        clip_norm: the largest norm of the gradient, see `TrainStep`.
        amp: automatic mixed precision, see `TrainStep`.
        valid_loader: measure the loss on these after each step instead of on the training batch.
        check_every: look at the losses every so many steps; fewer looks mean fewer waits for the
            device, and the result is the same. By default 1 on a CPU, else 10.

    Returns:
        The curve, without the loss that ended the sweep.

    Raises:
        TypeError: model, optimizer or batches are of another type, or `step` returns no loss.
        ValueError: a setting is out of its range, every learning rate is zero, `loader` is empty
            or a one-shot iterator, the first loss is not finite, or several ranks run.
    """
    check_parts(model, optimizer, loader)
    refuse_ranks("find_lr")
    lrs = _learning_rates(min_lr, max_lr, steps)
    check_whole("accumulate", accumulate, 1)
    if any(map(nn.parameter.is_lazy, model.parameters())):
        if step is not None:
            raise ValueError(
                "The model has lazy layers without a shape, which could not be put back: call it "
                "on a batch before."
            )
        # What has no shape yet could not be put back: sweep a copy, which shares nothing.
        lazy = [buffer for buffer in model.buffers() if nn.parameter.is_lazy(buffer)]
        # PyTorch copies its lazy parameters, but not its lazy buffers.
        copies = {id(b): nn.UninitializedBuffer(device=b.device, dtype=b.dtype) for b in lazy}
        model, optimizer = copy.deepcopy((model, optimizer), copies)
    ratios, own_step = _group_ratios(optimizer), step is None
    if check_every is None:
        check_every = 1 if device_of(model).type == "cpu" else 10
    check_whole("check_every", check_every, 1)
    if own_step:
        settings = {"loss_function": loss_function, "amp": amp, "clip_norm": clip_norm}
        step = TrainStep(model, optimizer, **settings)
    loaders, scaler = [loader, valid_loader], getattr(step, "scaler", None)
    if hasattr(step, "load_state_dict"):  # of its own models
        loaders.append(step)
    rule = StopRule(beta, stop_rise, steps)
    kept = {"loss_function": loss_function, "loaders": loaders, "scaler": scaler}
    with preserved(model, optimizer, **kept):
        if own_step:
            train_mode(model)
        if valid_loader is not None:
            step = _then_validate(step, model, loss_function, valid_loader)
        _sweep(step, optimizer, ratios, lrs, _cycle(loader), accumulate, rule, check_every)
    return rule.curve(lrs)


def repeat_lr_finder(build: Callable[[int], tuple], seeds: Iterable[int], **settings) -> LRRepeats:
    """Run the finder once a seed, to see how far its suggestion scatters.

    Args:
        build: maps a seed to (model, optimizer, batches), all fresh.
        seeds: one sweep each.
        settings: passed to `find_lr`.

    Raises:
        TypeError: the seeds are no iterable, or as `find_lr`.
        ValueError: there is no seed, or as `find_lr`.
    """
    check_type("seeds", seeds, Iterable)
    return LRRepeats(tuple(find_lr(*build(seed), **settings) for seed in seeds))


def compare_lr_finders(
    builds: dict[str, Callable[[int], tuple]], seeds: Iterable[int], **settings
) -> dict[str, LRRepeats]:
    """Run the finder for several settings (weight decay, batch size, ...), to draw on one axis.

    Args:
        builds: maps each setting's label to its `build` of `repeat_lr_finder`.
        seeds: the same ones for each setting.
        settings: passed to `find_lr`.

    Raises:
        TypeError, ValueError: as `repeat_lr_finder`.
    """
    check_type("seeds", seeds, Iterable)
    seeds = tuple(seeds)
    return {label: repeat_lr_finder(build, seeds, **settings) for label, build in builds.items()}


def _sweep(step, optimizer, ratios, lrs, stream, accumulate, rule, check_every) -> None:
    waiting: list[Tensor] = []
    for index, lr in enumerate(lrs):
        _set_lrs(optimizer, ratios, lr)
        try:
            loss = step(*(next(stream) for _ in range(accumulate)))
        except Exception:
            if rule.read(waiting):  # it had diverged before, unseen: the error came of that
                return
            raise
        if loss is None:
            raise TypeError("The step returned None, but must return the loss of its batches.")
        waiting.append(torch.as_tensor(loss).detach())
        if (index + 1) % check_every == 0 and rule.read(waiting):
            return
    rule.read(waiting)


def _then_validate(step, model, loss_function, valid_loader) -> Callable[..., Tensor]:
    """Wrap a step so that it returns the mean loss over the validation batches after it."""

    def validated(*batches) -> Tensor:
        step(*batches)
        found = measure(model, valid_loader, loss_function, {})
        weighted = zip(found.losses, found.weights, strict=True)
        return sum(loss * weight for loss, weight in weighted) / sum(found.weights)

    return validated


def _learning_rates(min_lr: float, max_lr: float, steps: int) -> list[float]:
    check_number("min_lr", min_lr, above=0)
    check_number("max_lr", max_lr, above=min_lr)
    check_whole("steps", steps, 2)
    return np.geomspace(min_lr, max_lr, steps).tolist()


def _group_ratios(optimizer: torch.optim.Optimizer) -> list[float]:
    lrs = [float(group["lr"]) for group in optimizer.param_groups]
    if not all(math.isfinite(lr) and lr >= 0 for lr in lrs) or max(lrs) == 0:
        raise ValueError(
            f"The optimizer's learning rates are {lrs}, which set no ratio between its groups: "
            "give at least one group a positive LR (its size does not matter)."
        )
    return [lr / max(lrs) for lr in lrs]


def _set_lrs(optimizer: torch.optim.Optimizer, ratios: list[float], lr: float) -> None:
    for group, ratio in zip(optimizer.param_groups, ratios, strict=True):
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr * ratio)
        else:
            group["lr"] = lr * ratio


def _cycle(loader: Iterable) -> Iterator:
    while True:
        empty = True
        for batch in loader:
            empty = False
            yield batch
        if empty:
            raise ValueError("The batches are empty: give a loader with at least one batch.")


class StopRule:
    """Reads the losses of a sweep in their order and says when it is over.

    It is over at a loss that is not finite; and, from its middle on, where the smoothed loss has
    risen above its lowest by more than `stop_rise` times the fall before: from the highest raw loss
    up to there, or of the first ten where that is higher, so that noise is no divergence. A
    constant added to the losses, or a unit, changes nothing. (The usual rule, four times the
    lowest, ends a loss near zero at once.)

    Args:
        beta: smoothing of the losses, see `smoothing.MovingAverage`.
        stop_rise: how many times its fall the smoothed loss may rise, or None for no limit.
        steps: of the sweep. At the low learning rates of its first half nothing has moved yet.

    Raises:
        ValueError: beta lies outside [0, 1), or stop_rise is not above 0.
    """

    def __init__(self, beta: float, stop_rise: float | None, steps: int):
        if stop_rise is not None:
            check_number("stop_rise", stop_rise, above=0, hint="2 is usual")
        self.average, self.half = MovingAverage(beta), steps // 2
        self.stop_rise = math.inf if stop_rise is None else stop_rise
        self.losses: list[float] = []
        self.smoothed: list[float] = []
        self.stop_reason: str | None = None
        self._lowest, self._highest, self._before = math.inf, -math.inf, -math.inf

    def read(self, losses: list[Tensor]) -> bool:
        """Take the waiting losses over, in one transfer, and say whether the sweep is over."""
        values = torch.stack(losses).tolist() if losses else []
        losses.clear()
        for value in values:
            self._look_at(value)
            if self.stop_reason:
                break
        return self.stop_reason is not None

    def curve(self, lrs: list[float]) -> LRCurve:
        """Return the losses read as the curve over `lrs`.

        Raises:
            ValueError: not even the first loss was finite.
        """
        if not self.losses:
            raise ValueError(
                f"The first loss, at LR {lrs[0]:.2g}, is not finite: "
                "look for NaN in the data and in the model's initial weights."
            )
        return LRCurve(
            lrs=tuple(lrs[: len(self.losses)]),
            losses=tuple(self.losses),
            smoothed=tuple(self.smoothed),
            beta=self.average.beta,
            stop_reason=self.stop_reason or "end",
        )

    def _look_at(self, loss: float) -> None:
        if not math.isfinite(loss):
            self.stop_reason = "non-finite"
            return
        smoothed = self.average.update(loss)
        rise, fall = smoothed - self._lowest, self._before - self._lowest
        if len(self.losses) >= self.half and rise > self.stop_rise * fall:
            self.stop_reason = "diverged"
            return
        self.losses.append(loss)
        self.smoothed.append(smoothed)
        self._highest = max(self._highest, loss)
        if smoothed < self._lowest or len(self.losses) <= FIRST:
            self._before = self._highest
        self._lowest = min(self._lowest, smoothed)
