"""Checkpoints: a state in a file that is whole or the one before, and that runs no code."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from course_utils.files import atomic_write
from course_utils.limits import check_type

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
