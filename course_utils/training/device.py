"""The device that trains, the cores there are, and the threads it may use."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import torch

from course_utils._validate import check_whole

CGROUPS, OWN_CGROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


def pick_device(name: str | None = None) -> torch.device:
    """Pick the training device: `name`, else `COURSE_DEVICE`, else the first of cuda, mps, cpu.

    Where `COURSE_DEVICE` is empty it counts as unset.

    Raises:
        ValueError: the name is none that PyTorch knows, or this machine lacks that device.
    """
    name = name or os.environ.get("COURSE_DEVICE")
    if not name:
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"The device {name!r} cannot be used here ({str(error).splitlines()[0]}): "
            "choose 'cpu', or unset COURSE_DEVICE to let the course pick."
        ) from error
    return device


def usable_cores() -> int:
    """Count the cores that this process may use: on a shared server fewer than the machine has.

    A container's quota of CPU time (`cpu.max`, cgroup v2) counts as cores, rounded down: the system
    stops all threads for the rest of each tenth of a second in which they have used it up.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    return max(1, min([cores, *_quotas()]))


def _quotas() -> Iterator[int]:
    """Yield the whole cores of each cgroup around this process that has a quota."""
    try:
        lines = OWN_CGROUP.read_text().splitlines()
    except OSError:  # no Linux
        return
    for path in (line.removeprefix("0::/") for line in lines if line.startswith("0::/")):
        for folder in (CGROUPS / path, *(CGROUPS / path).parents):
            try:
                quota, period = (folder / "cpu.max").read_text().split()
            except OSError:
                continue
            if quota != "max":
                yield int(quota) // int(period)


def set_threads(number: int | None = None) -> int:
    """Set how many CPU threads PyTorch uses: `number`, else `OMP_NUM_THREADS`, else one a core.

    Several notebooks at once on one machine share its cores: give each its part, since two
    notebooks with two threads each on two cores run slower than with one thread each.

    One and two threads round sums in different orders, so that the last digits of a result differ
    although the seed is the same: compare numbers to the last digit only at one number of threads.

    Returns:
        The number in force.

    Raises:
        ValueError: the number is not a positive integer.
    """
    if number is None:
        number = os.environ.get("OMP_NUM_THREADS") or usable_cores()
    if isinstance(number, str) and number.isdecimal():
        number = int(number)
    check_whole("The number of threads", number, 1)
    torch.set_num_threads(number)
    return number


def describe_machine(device: torch.device) -> dict[str, str]:
    """Say in words what this machine offers: versions, cores, threads and the training device."""
    names = {"cuda": lambda: torch.cuda.get_device_name(device), "mps": lambda: "Apple GPU (mps)"}
    return {
        "Python": platform.python_version(),
        "PyTorch": torch.__version__,
        "CPU cores": str(usable_cores()),
        "threads": str(torch.get_num_threads()),
        "device": names.get(device.type, lambda: "CPU")(),
    }
