"""The checkpoint of a training run, in a file that is whole or the one before and runs no code."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Sequence
from operator import length_hint
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from course_utils._files import atomic_write
from course_utils._validate import check_type
from course_utils.profiles import rng_state, set_rng_state
from course_utils.training.distributed import (
    exists_for_all,
    gathered,
    rank,
    wait_for_all,
    world_size,
)
from course_utils.training.preserve_state import (
    extra_parameters,
    generator_state,
    loader_generators,
    set_generator_state,
)

# What decides, beside the images, which batches come; those of `DeviceLoader`.
ORDER = ("batch_size", "num_images", "shuffle", "seed")
# What schedules change from step to step, so that it says nothing about a run's settings.
SCHEDULED = ("lr", "momentum", "betas")


class RunCheckpoint:
    """The checkpoint of one training run: all that the steps to come depend on.

    Kept are the model (buffers outside its `state_dict` included), the optimizer with what it
    trains beside the model, schedule, gradient scaler, log, callbacks, the loaders' positions, and
    the random generators. Where several ranks run, each calls `save` and `restore`; rank 0 writes,
    with the generators of each. Without a path nothing is done.

    Args:
        path: the file, or None.
        model: the model; a compiled one is kept as what it was compiled from.
        optimizer: the optimizer.
        parts: further objects by name, of which those with `state_dict` are kept; "batches",
            "valid_batches", "log" and "schedule" among them.
        save_every: write after each so many steps as well as after each epoch.
        override: names of the optimizer's settings that are taken from the optimizer as it is now,
            and not from the file.

    Raises:
        ValueError: the schedule has no state that could be kept.
    """

    def __init__(
        self,
        path: str | Path | None,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        parts: dict[str, Any],
        *,
        save_every: int | None = None,
        override: Sequence[str] = (),
    ):
        self.path = None if path is None else Path(path)
        if self.path is None:
            return
        self.model, self.optimizer = getattr(model, "_orig_mod", model), optimizer
        self.log, self.save_every, self.override = parts["log"], save_every, tuple(override)
        schedule, loader, valid_loader = (
            parts.get(name) for name in ("schedule", "batches", "valid_batches")
        )
        if schedule is not None and not hasattr(schedule, "load_state_dict"):
            raise ValueError(
                f"The schedule {type(schedule).__name__} has no state_dict and load_state_dict, "
                "which a checkpoint needs: add them, or train without checkpoint."
            )
        # The schedule first: it may refuse, and then nothing has been changed.
        every = {"schedule": schedule, "model": self.model, "optimizer": optimizer, **parts}
        self._parts = {k: part for k, part in every.items() if hasattr(part, "load_state_dict")}
        self._extra = extra_parameters(model, optimizer)
        self._generators = loader_generators(loader)
        self._settings = {
            "number of ranks": world_size(),
            "list of parts": sorted(self._parts),
            "random seed": gathered(torch.initial_seed())[0],
            "number of batches per epoch": length_hint(loader),
            **{f"batches.{name}": getattr(loader, name, None) for name in ORDER},
            "data": fingerprint(loader),
            "number of validation batches": length_hint(valid_loader),
            "list of recorded values": list(self.log.record),
            "schedule": type(schedule).__name__,
            "optimizer": type(optimizer).__name__,
            **_shapes(self.model),
            **_group_settings(optimizer, scheduled=schedule is not None),
        }

    def resume(self, epochs: int) -> None:
        """Go on where the file was saved, if there is one; see `restore`."""
        if self.path is not None and exists_for_all(self.path):
            self.restore(epochs)

    def after_step(self, is_last: bool) -> None:
        """Save after every so many steps; the save of an epoch's last would be overwritten."""
        if self.path is None or not self.save_every or is_last:
            return
        if len(self.log.weights) % self.save_every == 0:
            self.save()

    def save(self) -> None:
        """Write the run's present state.

        Raises:
            NonFiniteLoss: a loss is infinite or NaN; the file is then as it was.
        """
        if self.path is None:
            return
        state = {name: part.state_dict() for name, part in self._parts.items()}
        state |= {
            "buffers": dict(self.model.named_buffers()),
            "extra": [parameter.detach() for parameter in self._extra],
            "settings": self._settings | _shapes(self.model),
        }
        generators = [generator_state(generator) for generator in self._generators]
        first, *others = gathered({"generators": generators, "rng": rng_state()})
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
        ours = self._settings
        older = {"number of ranks": 1} | {name: ours[name] for name in ("random seed", "data")}
        theirs = older | state["settings"]
        theirs["list of parts"] = sorted(theirs["list of parts"])
        free = [f"{name} of group" for name in self.override]
        lazy = nn.parameter.is_lazy
        free += [f"shape of {n}" for n, part in self.model.named_parameters() if lazy(part)]
        for name in ours | theirs:
            if theirs.get(name) != ours.get(name) and not name.startswith(tuple(free)):
                raise ValueError(_of_another_run(self.path, name, theirs, ours))
        begun = len(state["log"]["history"]["train_loss"]) + bool(state["log"]["sizes"])
        if begun > epochs:
            raise ValueError(
                f"The checkpoint {self.path} is in epoch {begun} already, but epochs is {epochs}: "
                "ask for as many at least, or delete the file to start afresh."
            )
        wanted = [
            {name: group[name] for name in self.override if name in group}
            for group in self.optimizer.param_groups
        ]
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
        for group, values in zip(self.optimizer.param_groups, wanted, strict=True):
            group.update(values)
        with torch.no_grad():
            for parameter, value in zip(self._extra, state.get("extra", []), strict=True):
                parameter.copy_(value)
        for name, buffer in self.model.named_buffers():
            buffer.copy_(state["buffers"][name])
        own = [state, *state.get("other_ranks", [])][rank()]
        for generator, value in zip(self._generators, own["generators"], strict=True):
            set_generator_state(generator, value)
        set_rng_state(own["rng"])


def fingerprint(loader) -> list[float]:
    """Return numbers that tell one data set from another: its tensors' sums, else its length."""
    dataset = getattr(loader, "dataset", loader)
    named = [getattr(dataset, name, None) for name in ("images", "labels", "data", "targets")]
    tensors = [part for part in (*named, *getattr(dataset, "tensors", ())) if torch.is_tensor(part)]
    # To five digits: the last ones depend on the number of threads.
    return [float(length_hint(dataset)), *(float(f"{float(t.sum()):.5g}") for t in tensors)]


def _of_another_run(path: Path, name: str, theirs: dict, ours: dict) -> str:
    remedy = "take the settings of that run, or delete the file to start afresh"
    if name in ("random seed", "data"):
        remedy = "give each run a file of its own, or delete this one to start afresh"
    elif " of group " in name:
        setting = name.partition(" of group ")[0]
        remedy += f", or go on with the new value on purpose: override=[{setting!r}]"
    return (
        f"The checkpoint {path} is of another run: its {name} is {theirs.get(name)}, but here it "
        f"is {ours.get(name)}; {remedy}."
    )


def _shapes(model: nn.Module) -> dict[str, list[int]]:
    known = {n: p for n, p in model.named_parameters() if not nn.parameter.is_lazy(p)}
    return {f"shape of {name}": list(parameter.shape) for name, parameter in known.items()}


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


FORMAT = "course_utils checkpoint 1"


def save_checkpoint(path: str | Path, state: dict) -> None:
    """Write a state so that a kill at any moment leaves the old file or the new one.

    Args:
        path: the file; its folder is created when it is missing.
        state: tensors and plain Python values in dicts, lists and tuples. NumPy's numbers are
            written as Python's, since a safe load accepts no others.

    Raises:
        TypeError: the state is no dict.
        ValueError: the state holds an object that only running code could load.
        OSError: the folder cannot be written, or the disk is full.
    """
    check_type("state", state, dict)
    buffer = io.BytesIO()
    try:
        torch.save({"format": FORMAT, "state": _plain(state)}, buffer)
        buffer.seek(0)
        refused = torch.serialization.get_unsafe_globals_in_checkpoint(buffer)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        refused = [str(error)]
    if refused:
        raise ValueError(
            f"The state cannot be kept in a checkpoint ({', '.join(sorted(refused))}): "
            "give tensors and plain Python values."
        )
    with atomic_write(path) as file:
        file.write(buffer.getbuffer())


def load_checkpoint(path: str | Path) -> dict:
    """Return the state that `save_checkpoint` wrote, its tensors on the CPU; runs no code of it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or is not one of `save_checkpoint`.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no checkpoint {path}: correct the path, or train with checkpoint=... first."
        )
    try:
        # PyTorch does not compare the checksums that its files carry.
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        content = None if damaged else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the bytes of a foreign file provoke
        raise _unreadable(path) from error
    if damaged:
        raise _unreadable(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(
            f"{path} is a PyTorch file, but none that save_checkpoint wrote: load it with "
            "torch.load(..., weights_only=True), or give another path."
        )
    return content["state"]


def _unreadable(path: Path) -> ValueError:
    return ValueError(
        f"{path} is damaged, or is no checkpoint of save_checkpoint: put a sound copy in its "
        "place, or delete it to start afresh."
    )


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if type(value) is dict:
        return {_plain(key): _plain(item) for key, item in value.items()}
    return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value
