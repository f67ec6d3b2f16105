"""The 1cycle schedule of an optimizer: learning rate and momentum, set step by step."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from numbers import Real

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from course_utils._validate import check_type
from course_utils.lr.schedules import OneCycleCurve, PhasedCurve


class OneCycle(LRScheduler):
    """Schedule that sets an optimizer's learning rate and momentum by a curve.

    It is one of PyTorch's schedulers, in `SequentialLR` as well. Call `step()` after each
    `optimizer.step()`. `steps_done` (their `last_epoch`) counts those that the optimizer really
    took: one that `GradScaler` skips changes nothing. After the last the LR keeps its final value;
    one step more raises. Source: Smith (2018, arXiv:1803.09820).

    Momentum is `momentum` (SGD, RMSprop) or the first of `betas` (Adam and its kin). A group whose
    momentum is 0 stays without: it would multiply the step size, and `max_lr` was found without.

    Args:
        optimizer: any `torch.optim.Optimizer`; its LR and momentum are set for the first step.
        max_lr: learning rate at the peak, or one for each parameter group.
        total_steps: optimizer steps in the whole training.
        curve: maps (total_steps, max_lr) to the curve of a group: `OneCycleCurve.gugger`, `.smith`,
            `.fastai`, `.torch`, or a function of your own.
        settings: passed to `curve`, e.g. `div`, `tail`, `momentum`.

    Raises:
        TypeError: `optimizer` is no torch optimizer.
        ValueError: a setting is out of its range, or there is not one `max_lr` a group.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int,
        *,
        curve: Callable[..., PhasedCurve] = OneCycleCurve.gugger,
        **settings,
    ):
        check_type("optimizer", optimizer, torch.optim.Optimizer)
        groups = optimizer.param_groups
        max_lrs = [max_lr] * len(groups) if isinstance(max_lr, Real | str | None) else list(max_lr)
        if len(max_lrs) != len(groups):
            raise ValueError(
                f"max_lr holds {len(max_lrs)} values for {len(groups)} parameter groups: give one "
                "number for all groups, or one for each."
            )
        self.optimizer = optimizer
        self.steps_done = 0
        self._curves = self._planned = [curve(total_steps, lr, **settings) for lr in max_lrs]
        self._extensions: list[list[int]] = []
        self._momentum_keys = [_momentum_key(group) for group in groups]
        self._watch = _StepWatch()
        # The optimizer holds the watch alone, so that a schedule that is dropped leaves nothing.
        handle = optimizer.register_step_post_hook(self._watch)
        self._detach = weakref.finalize(self, handle.remove)
        self.base_lrs = [one.lr(0) for one in self._curves]
        for group, lr in zip(groups, self.base_lrs, strict=True):
            group["initial_lr"] = lr
        self._apply()

    @property
    def last_epoch(self) -> int:
        """`steps_done`, by the name that PyTorch's schedulers have for it."""
        return self.steps_done

    @last_epoch.setter
    def last_epoch(self, steps: int) -> None:
        self.steps_done = steps

    def _initial_step(self) -> None:
        self._update_lr(0)

    def _update_lr(self, epoch: int) -> None:
        """Go to a step: `SequentialLR` asks for it, by one name or the other, when it switches."""
        self.steps_done, self._watch.stepped = epoch, False
        self._apply()

    @property
    def total_steps(self) -> int:
        """Optimizer steps in the whole training, extensions included."""
        return self._curves[0].total_steps

    @property
    def finished(self) -> bool:
        """Say whether the last step has been taken."""
        return self.steps_done >= self.total_steps

    def step(self, epoch: int | None = None) -> None:
        """Move on to the next step, if the optimizer has taken one since the last call.

        It learns so from a hook of the optimizer, which a replayed CUDA graph does not run.

        Args:
            epoch: the step to go to instead, as `SequentialLR` gives it when this one's turn comes.

        Raises:
            RuntimeError: the schedule has ended or was detached, or the number of groups changed.
        """
        if not self._detach.alive:
            raise RuntimeError("This schedule was detached or copied: build a new one.")
        stepped, self._watch.stepped = self._watch.stepped, False
        if epoch is not None:
            self._update_lr(epoch)
            return
        if not stepped:
            return
        if self.finished:
            raise RuntimeError(
                f"This schedule of {self.total_steps} steps has ended, but the optimizer took one "
                "more: stop there, or call extend(extra_steps) before."
            )
        self.steps_done += 1
        self._apply()

    def extend(self, extra_steps: int) -> None:
        """Lengthen the training: all that lies ahead is stretched evenly to fill the new steps.

        What has been is kept, and the learning rate of the next step stays as it is. A finished
        schedule goes on at its final learning rate.

        Raises:
            ValueError: `extra_steps` is not a positive whole number.
        """
        self._lengthen(self.steps_done, extra_steps)
        self._apply()

    def detach(self) -> None:
        """Leave the optimizer as it is now; a schedule that is dropped does so by itself."""
        self._detach()

    def get_last_lr(self) -> list[float]:
        """Return the present learning rate of each group, as PyTorch's schedulers do."""
        return [curve.lr(self._position()) for curve in self._curves]

    def state_dict(self) -> dict:
        """Return position, extensions and curves as plain values, fit for `weights_only=True`."""
        return {
            "total_steps": self._planned[0].total_steps,
            "max_lr": [float(curve.max_lr) for curve in self._planned],
            "phases": [curve.plain_phases() for curve in self._planned],
            "extensions": [list(extension) for extension in self._extensions],
            "steps_done": self.steps_done,
        }

    def load_state_dict(self, state: dict) -> None:
        """Continue where another schedule, built with the same settings, was; sets LR and momentum.

        Its extensions come along; steps by which this one was extended further are added there.

        Raises:
            ValueError: the state is of another kind, or of a schedule with other settings.
        """
        own, extended_to = self.state_dict(), self.total_steps
        if not isinstance(state, dict) or state.keys() != own.keys():
            raise ValueError("This is no state of a OneCycle: give what state_dict() returned.")
        for name in ("total_steps", "max_lr", "phases"):
            if state[name] != own[name]:
                raise ValueError(
                    f"The state's {name} is {state[name]}, but this schedule's is {own[name]}: "
                    "resume with the same settings, then call extend(extra_steps) to train longer."
                )
        self._curves, self._extensions = self._planned, []
        for steps_done, extra_steps in state["extensions"]:
            self._lengthen(steps_done, extra_steps)
        self.steps_done = state["steps_done"]
        if extended_to > self.total_steps:
            self._lengthen(self.steps_done, extended_to - self.total_steps)
        self._watch.stepped = False
        self._apply()

    def _lengthen(self, step: int, extra_steps: int) -> None:
        self._curves = [curve.extended(step, extra_steps) for curve in self._curves]
        self._extensions.append([step, extra_steps])

    def _position(self) -> int:
        return min(max(self.steps_done, 0), self.total_steps - 1)

    def _apply(self) -> None:
        groups, position = self.optimizer.param_groups, self._position()
        if len(groups) != len(self._curves):
            raise RuntimeError(
                f"The optimizer has {len(groups)} parameter groups now, but the schedule was built "
                f"for {len(self._curves)}: build a new one."
            )
        for group, curve, key in zip(groups, self._curves, self._momentum_keys, strict=True):
            lr, momentum = curve.at(position)
            group["lr"] = _refilled(group["lr"], lr)
            if momentum is not None and key == "betas":
                group["betas"] = (_refilled(group["betas"][0], momentum), *group["betas"][1:])
            elif momentum is not None and key:
                group[key] = momentum


class _StepWatch:
    """Post-hook of the optimizer that notes that it has taken a step."""

    stepped = False

    def __call__(self, optimizer, args, kwargs) -> None:
        # A fused optimizer is called for a skipped step as well and is told so by GradScaler; to
        # read it waits for the device, but nothing else does.
        found_inf = getattr(optimizer, "found_inf", None)
        if found_inf is None or not found_inf.item():
            self.stepped = True


def _momentum_key(group: dict) -> str | None:
    if "betas" in group:
        return "betas" if group["betas"][0] else None
    return "momentum" if group.get("momentum") else None


def _refilled(old: float | Tensor, new: float) -> float | Tensor:
    """Return the new value, in the old tensor where there is one: compiled code shares it."""
    return old.fill_(new) if isinstance(old, Tensor) else new
