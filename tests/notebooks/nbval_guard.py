"""A pytest plugin that mends what nbval 0.11 does badly when a notebook's cell goes wrong.

- A dead kernel is reported within seconds; nbval waits for the whole cell timeout.
- After its first failed cell the rest of a notebook is skipped; nbval runs it all the same.
- A cell tagged `timeout-300` may take 300 seconds; nbval knows one timeout for all cells. Both are
  longer on a machine that is slow or busy.
- Kernels are not measured under `--cov`: nbval's own way to do so kills them, and the unit tests
  have to reach the bar alone.
"""

from __future__ import annotations

import re
import time
from queue import Empty

import nbval.plugin
import pytest
from machine_speed import slowness_of_run
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell

POLL_SECONDS = 1.0


class KernelDied(RuntimeError):
    """The kernel's process ended while its answer was awaited."""


class WatchedKernel(RunningKernel):
    """A kernel whose death is noticed while a message is awaited."""

    def get_message(self, stream, timeout=None):
        """Wait for a message in short slices, and look after each whether the kernel still lives.

        Raises:
            queue.Empty: `timeout` seconds have passed.
            KernelDied: the kernel's process has ended.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        while True:
            wait = max(0.0, min(POLL_SECONDS, deadline - time.monotonic()))
            try:
                return super().get_message(stream, timeout=wait)
            except Empty:
                if not self.is_alive():
                    self.stop()
                    raise KernelDied from None
                if time.monotonic() >= deadline:
                    raise


# nbval makes its kernels by this name.
nbval.plugin.RunningKernel = WatchedKernel
nbval.plugin.setup_coverage = nbval.plugin.teardown_coverage = lambda *arguments: None


def cell_timeout(tags: list[str], default: float) -> float:
    """Return the seconds that a tag `timeout-N` grants, else the default."""
    for tag in tags:
        if match := re.fullmatch(r"timeout-(\d+)", tag):
            return float(match[1])
    return default


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Skip a cell when an earlier one of its notebook failed."""
    failed = getattr(item.parent, "failed_cell", None)
    if failed is not None:
        pytest.skip(f"{failed} of this notebook failed")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Run a cell under its own timeout, and report a dead kernel as that cell's failure."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    option = item.config.option
    usual = option.nbval_cell_timeout
    seconds = cell_timeout(item.cell.metadata.get("tags", []), usual)
    option.nbval_cell_timeout = round(seconds * slowness_of_run(), 1)
    item.output_timeout *= slowness_of_run()  # for what a cell still has to print when it is done
    try:
        return (yield)
    except KernelDied:
        item.raise_cell_error(
            "The kernel died in this cell: out of memory, killed, or a crash in compiled code."
        )
    finally:
        option.nbval_cell_timeout = usual


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Note the first failed cell of a notebook."""
    report = yield
    if report.failed and isinstance(item, IPyNbCell):
        item.parent.failed_cell = item.name
    return report
