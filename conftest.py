"""What every test and every notebook kernel of this repository runs under."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

# Before torch is imported, here and (through the environment) in workers, kernels and subprocesses:
# two processes with two threads each on two cores are several times slower than with one each.
for _library in ("OMP", "MKL", "OPENBLAS"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

pytest_plugins = ["nbval_guard", "nbval_summary"]


def pytest_xdist_auto_num_workers(config) -> int:
    """Run one worker a core, at most four: a worker and its kernel take about 1 GB together."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, 4)


def pytest_configure(config) -> None:
    """Give the notebooks the quick profile and a progress file of their own, never the learner's.

    Workers and kernels inherit both from the process that started them.
    """
    if hasattr(config, "workerinput"):
        return
    folder = tempfile.mkdtemp(prefix="course-tests-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ["COURSE_PROFILE"] = "quick"
    os.environ["COURSE_PROGRESS"] = str(Path(folder) / "progress.json")
