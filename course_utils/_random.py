"""The global random generators: their seeds, and their states."""

from __future__ import annotations

import random

import numpy as np
import torch

from course_utils._validate import check_whole


def set_seed(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's global generators, those of all devices included.

    Args:
        seed: an integer, of Python or NumPy, from 0 to 2**32 - 1 (NumPy's range).

    Raises:
        ValueError: the seed is no such integer.
    """
    check_whole("seed", seed)
    if seed >= 2**32:
        raise ValueError(f"seed is {seed}, but must be at most 2**32 - 1, NumPy's largest.")
    seed = int(seed)  # neither Python's nor PyTorch's generators take NumPy's integers
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def rng_state() -> dict:
    """Return the state of every global generator, in values that a weights-only load accepts."""
    name, keys, position, has_gauss, gauss = np.random.get_state()
    state = {
        "python": random.getstate(),
        "numpy": (name, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, gauss),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        state["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        state["mps"] = torch.mps.get_rng_state()
    return state


def set_rng_state(state: dict) -> None:
    """Put every global generator back to a state that `rng_state` returned."""
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    if "mps" in state and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"])
