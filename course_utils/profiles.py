"""What a run is given: its profile, where the data lie, its seeds and random generators.

A variable of the environment that is empty counts as unset.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import torch

from course_utils._validate import check_whole

PROFILES = ("quick", "full", "smoke")
# Beside the package in the course's repository; a package installed from a wheel has none.
EMBEDDED = Path(__file__).resolve().parent.parent / "data"


def profile() -> str:
    """Name the profile that `COURSE_PROFILE` asks for.

    `quick` (the default) takes seconds on a CPU with the embedded data. `full` is the published
    setting on a GPU. `smoke` walks the full profile's code in a few steps on generated data; it is
    for tests, and its numbers mean nothing.

    Raises:
        ValueError: `COURSE_PROFILE` holds another name.
    """
    name = os.environ.get("COURSE_PROFILE") or "quick"
    if name not in PROFILES:
        raise ValueError(
            f"COURSE_PROFILE is {name!r}, but must be one of {', '.join(PROFILES)}: "
            "unset it for the quick profile."
        )
    return name


def is_graded() -> bool:
    """Say whether nbgrader runs this notebook, to grade or to validate it, and not a learner.

    nbgrader itself sets `NBGRADER_EXECUTION`, so that neither the notebook nor the teacher has to
    switch anything.
    """
    return "NBGRADER_EXECUTION" in os.environ


def data_folder() -> Path:
    """Name the folder of the data sets: `COURSE_DATA`, else the course's `data/`.

    A package that was installed without the course's repository has `~/.course_data` in its place,
    so that nothing is downloaded into Python's own folders.

    Raises:
        ValueError: `COURSE_DATA` names a file, or there is no home folder.
    """
    default = EMBEDDED if (EMBEDDED / "fashion-mnist").is_dir() else "~/.course_data"
    named = Path(os.environ.get("COURSE_DATA") or default)
    try:
        folder = named.expanduser()
    except RuntimeError as error:
        raise ValueError(
            f"The data folder is {str(named)!r}, but that home folder is not known: "
            "set COURSE_DATA to a folder, or HOME."
        ) from error
    if folder.is_file():
        raise ValueError(f"COURSE_DATA is {str(folder)!r}, a file, but must name a folder.")
    return folder


def choose(*, quick, full, smoke):
    """Return the argument that belongs to the running profile.

    A lesson states its settings once, as `choose(quick=..., full=..., smoke=...)`, and the same
    cells serve every profile.

    Raises:
        ValueError: as `profile`.
    """
    return {"quick": quick, "full": full, "smoke": smoke}[profile()]


def seeds(count: int, *, first: int = 0) -> tuple[int, ...]:
    """Return the `count` seeds of a lesson, from `first` on.

    `COURSE_SEED` (default 0) moves them all, by a thousand each: `make claims` runs every lesson on
    seeds on which nothing in it was chosen. In the smoke profile there are three at most, as many
    as a claim needs.

    A seed fixes the last digits on one machine with one number of threads alone: a sum over two
    threads is rounded in another order than over one, and a long training carries that far. So
    stored results are computed on one thread.

    Raises:
        ValueError: `COURSE_SEED` or `first` is not a whole number of at least 0, or `count` none of
            at least 1.
    """
    check_whole("count", count, 1)
    check_whole("first", first)
    text = os.environ.get("COURSE_SEED") or "0"
    if not text.isdecimal():
        raise ValueError(
            f"COURSE_SEED is {text!r}, but must be a whole number: unset it for the lessons' own."
        )
    start = 1000 * int(text) + first
    count = min(count, 3) if profile() == "smoke" else count
    return tuple(range(start, start + count))


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
