"""A pytest plugin that ends the run with how many notebooks, cells and claims were checked.

What each notebook took, and its kernel, is kept in build/run_times.json, for the web edition.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psutil  # comes with ipykernel
import pytest
from nbval.plugin import IPyNbCell

from course_utils._files import atomic_write
from course_utils.training.device import usable_cores

PROPERTY = "notebook-claims"
KERNEL = "notebook-kernel"
RUN_TIMES = "build/run_times.json"


def count_claims(outputs: list) -> int:
    """Count the rows of `course_utils.claims.claims_table`: two places for a number, then text.

    A line that continues a claim's text begins with more spaces.
    """
    text = "\n".join(output.get("text", "") for output in outputs)
    return len(re.findall(r"^[ \d]\d  \S", text, flags=re.MULTILINE))


def kernel_use(item: IPyNbCell) -> dict:
    """Return what a cell's kernel has taken so far, and whether the cell shows a figure.

    `cpu` in seconds, `peak` in MB of memory (0 where the system does not tell), `figure`.
    """
    pid = item.parent.kernel.km.provisioner.pid
    times, status = psutil.Process(pid).cpu_times(), Path(f"/proc/{pid}/status")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return {
        "cpu": round(times.user + times.system, 1),
        "peak": int(peak[1]) // 1024 if peak else 0,
        "figure": any("image/png" in output.get("data", {}) for output in item.test_outputs),
    }


@dataclass
class Tally:
    """What was seen of one notebook."""

    cells: int = 0
    claims: int = 0
    seconds: float = 0.0
    failed: str = ""
    cpu: float = 0.0
    peak: int = 0
    figure: float | None = None  # seconds to the first one

    def line(self, name: str) -> str:
        """Return the notebook's line of the summary."""
        end = f", failed at {self.failed}" if self.failed else ""
        return f"{name}: {self.cells} cells, {self.claims} claims, {self.seconds:.0f} s{end}"

    def entry(self) -> dict:
        """Return what the file of run times keeps of the notebook."""
        return {
            "cells": self.cells,
            "claims": self.claims,
            "seconds": round(self.seconds, 1),
            "figure": None if self.figure is None else round(self.figure, 1),
            "cpu": self.cpu,
            "peak": self.peak,
            "cores": usable_cores(),
            "measured": date.today().isoformat(),
        }


class NotebookSummary:
    """Adds up the reports, which under xdist come from the workers."""

    def __init__(self):
        self.tallies: dict[str, Tally] = defaultdict(Tally)

    def pytest_runtest_logreport(self, report):
        """Count a cell that ran, and note one that failed."""
        name, _, cell = report.nodeid.partition("::")
        if not name.endswith(".ipynb"):
            return
        tally = self.tallies[name]
        tally.seconds += report.duration
        if report.failed and not tally.failed:
            tally.failed = cell
        if report.when == "call" and report.passed:
            tally.cells += 1
            properties = dict(report.user_properties)
            tally.claims += properties.get(PROPERTY, 0)
            if kernel := properties.get(KERNEL):
                tally.cpu, tally.peak = kernel["cpu"], kernel["peak"]
                if kernel["figure"] and tally.figure is None:
                    tally.figure = tally.seconds

    def pytest_terminal_summary(self, terminalreporter):
        """Write a line for each notebook and one for all."""
        if not self.tallies:
            return
        terminalreporter.section("notebooks")
        for name, tally in sorted(self.tallies.items()):
            terminalreporter.line(tally.line(name))
        cells = sum(tally.cells for tally in self.tallies.values())
        claims = sum(tally.claims for tally in self.tallies.values())
        terminalreporter.line(
            f"Checked: {len(self.tallies)} notebooks, {cells} cells, {claims} claims."
        )
        self.keep_run_times(Path(terminalreporter.config.rootpath) / RUN_TIMES)

    def keep_run_times(self, path: Path) -> None:
        """Write what each notebook took that ran to its end; others keep their older entries."""
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        kept |= {name: tally.entry() for name, tally in self.tallies.items() if not tally.failed}
        with atomic_write(path) as file:
            file.write(json.dumps(kept, indent=1, sort_keys=True).encode())


def pytest_configure(config):
    """Count in the process that reports, not in its workers."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(NotebookSummary(), "notebook-summary")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Attach claims and kernel to the report, which takes them from the worker to the summary."""
    if isinstance(item, IPyNbCell) and call.when == "call" and not call.excinfo:
        if "claims" in item.cell.metadata.get("tags", []):
            item.user_properties.append((PROPERTY, count_claims(item.test_outputs)))
        item.user_properties.append((KERNEL, kernel_use(item)))
    return (yield)
