"""What every test and every notebook kernel of this repository runs under."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest_timeout

# Before torch is imported, here and (through the environment) in workers, kernels and subprocesses:
# two processes with two threads each on two cores are several times slower than with one each.
for _library in ("OMP", "MKL", "OPENBLAS"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

from machine_speed import slowness_of_run  # noqa: E402  (NumPy reads the number of threads)

from course_utils.training.device import usable_cores  # noqa: E402

pytest_plugins = ["nbval_guard", "nbval_summary"]


def pytest_xdist_auto_num_workers(config) -> int:
    """Run one worker a core, at most four: a worker and its kernel take about 1 GB together."""
    return min(usable_cores(), 4)


def pytest_configure(config) -> None:
    """Give the notebooks the quick profile and a progress file of their own, never the learner's.

    Workers and kernels inherit both from the process that started them, and so how slow it was.
    """
    if hasattr(config, "workerinput"):
        return
    folder = tempfile.mkdtemp(prefix="course-tests-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ["COURSE_PROFILE"] = "quick"
    os.environ["COURSE_PROGRESS"] = str(Path(folder) / "progress.json")
    slowness_of_run()


def pytest_report_header(config) -> str:
    """Say how much longer than on a quiet machine a test or a cell may take."""
    return f"limits of time: {slowness_of_run():.1f} times the usual ones"


def pytest_timeout_set_timer(item, settings):
    """Let a test take as many times longer as this machine is slower."""
    longer = settings._replace(timeout=settings.timeout * slowness_of_run())
    return pytest_timeout.pytest_timeout_set_timer(item, longer)
