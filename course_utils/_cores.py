"""How many cores there are to use; without PyTorch, whose import takes seconds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS, OWN_CGROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")


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
