"""The checkpoint of a training run: all that its steps to come depend on."""

from __future__ import annotations

from operator import length_hint
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.checkpoint import load_checkpoint, save_checkpoint
from course_utils.device import rng_state, set_rng_state
from course_utils.ranks import gathered, rank, wait_for_all, world_size
from course_utils.run_log import RunLog
from course_utils.snapshot import loader_generators
from course_utils.train_step import TrainStep

# What decides, beside the images, which batches come; those of `DeviceBatches`.
ORDER = ("batch_size", "num_images", "shuffle", "seed")
# What schedules change from step to step, so that it says nothing about a run's settings.
SCHEDULED = ("lr", "momentum", "betas")


class RunCheckpoint:
    """The checkpoint of one training run: all that the steps to come depend on.

    Kept are model (buffers outside its `state_dict` included), optimizer, schedule, gradient
    scaler, log, the loaders' positions and the global random generators. Where several ranks run,
    each calls `save` and `restore`; rank 0 writes, with the generators of each.

    Args:
        path: the file.
        step: the training step, with its model, optimizer and scaler.
        log: the run's log.
        batches: the training batches.
        valid_batches: the validation batches or None.
        schedule: the schedule or None.

    Raises:
        ValueError: the schedule has no state that could be kept.
    """

    def __init__(
        self, path: str | Path, step: TrainStep, log: RunLog, *, batches, valid_batches, schedule
    ):
        if schedule is not None and not hasattr(schedule, "load_state_dict"):
            raise ValueError(
                f"The schedule {type(schedule).__name__} has no state_dict and load_state_dict, "
                "which a checkpoint needs: add them, or train without checkpoint."
            )
        self.path, self.model = Path(path), step.model
        # The schedule first: it may refuse, and then nothing has been changed.
        parts = {
            "schedule": schedule,
            "model": step.model,
            "optimizer": step.optimizer,
            "scaler": step.scaler,
            "batches": batches,
            "valid_batches": valid_batches,
            "log": log,
        }
        self._parts = {k: part for k, part in parts.items() if hasattr(part, "load_state_dict")}
        self._generators = loader_generators(batches)
        self._settings = {
            "number of ranks": world_size(),
            "list of parts": list(self._parts),
            "number of batches per epoch": length_hint(batches),
            **{f"batches.{name}": getattr(batches, name, None) for name in ORDER},
            "number of validation batches": length_hint(valid_batches),
            "list of recorded values": list(log.record),
            "schedule": type(schedule).__name__,
            "optimizer": type(step.optimizer).__name__,
            **_shapes(step.model),
            **_group_settings(step.optimizer, scheduled=schedule is not None),
        }

    def save(self) -> None:
        """Write the run's present state.

        Raises:
            NonFiniteLoss: a loss is infinite or NaN; the file is then as it was.
        """
        state = {name: part.state_dict() for name, part in self._parts.items()}
        state |= {
            "buffers": dict(self.model.named_buffers()),
            "settings": self._settings,
        }
        own = {"generators": [g.get_state() for g in self._generators], "rng": rng_state()}
        first, *others = gathered(own)
        state |= {**first, "other_ranks": others}
        if rank() == 0:
            save_checkpoint(self.path, state)
        wait_for_all()

    def restore(self, epochs: int) -> None:
        """Put the run's state back as it was saved, to go on to `epochs` epochs.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is damaged or foreign, the run had other settings or is in a later
                epoch already; model, optimizer and the rest are then as they were.
        """
        state = load_checkpoint(self.path)
        if "settings" not in state:
            raise ValueError(
                f"{self.path} holds no training run: give fit another checkpoint path."
            )
        theirs, ours = {"number of ranks": 1} | state["settings"], self._settings
        for name in ours | theirs:
            if theirs.get(name) != ours.get(name):
                raise ValueError(
                    f"The checkpoint {self.path} is of another run: its {name} is "
                    f"{theirs.get(name)}, but here it is {ours.get(name)}; take the settings of "
                    "that run, or delete the file to start afresh."
                )
        begun = len(state["log"]["history"]["train_loss"]) + bool(state["log"]["sizes"])
        if begun > epochs:
            raise ValueError(
                f"The checkpoint {self.path} is in epoch {begun} already, but epochs is {epochs}: "
                "ask for as many at least, or delete the file to start afresh."
            )
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        for name, buffer in self.model.named_buffers():
            buffer.copy_(state["buffers"][name])
        own = [state, *state.get("other_ranks", [])][rank()]
        for generator, value in zip(self._generators, own["generators"], strict=True):
            generator.set_state(value)
        set_rng_state(own["rng"])


def _shapes(model: nn.Module) -> dict[str, list[int]]:
    return {f"shape of {name}": list(p.shape) for name, p in model.named_parameters()}


def _group_settings(optimizer: torch.optim.Optimizer, *, scheduled: bool) -> dict[str, Any]:
    hidden = ("params", *(SCHEDULED if scheduled else ()))
    settings: dict[str, Any] = {}
    for number, group in enumerate(optimizer.param_groups):
        settings[f"number of tensors in group {number}"] = len(group["params"])
        for key, value in group.items():
            if key not in hidden:
                plain = float(value) if isinstance(value, Tensor) else value
                settings[f"{key} of group {number}"] = plain
    return settings
