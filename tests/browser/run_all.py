"""Command that opens every lesson in JupyterLab in a real browser and does what a learner does.

    cd tests; python -m browser.run_all [notebook ...]     (`make test-browser`; by default all)

JupyterLab is started by `make lab`. Each lesson has to open without a result; then all cells are
run, each control of each widget is moved, and the exercise is answered wrongly and rightly; at
last, in lesson 00, the kernel is restarted and the learner's progress looked for. Git has to see no
change of the repository after all this. Screenshots go to build/browser. Exit status 1 where
something is wrong. Without a browser one sentence says what to install; that is an error only
in CI (CI=true).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from browser.chromium import MISSING, browser_path
from browser.lesson import try_lesson
from browser.notebook_page import SCREENSHOTS
from browser.server import ROOT, Server, running_server

LESSONS_AT_ONCE = 2
# It shows the progress of all lessons, so that it comes last.
WITH_PROGRESS = "00_start_here.ipynb"


def main(names: list[str]) -> int:
    """Try the lessons, print what was seen, and return the exit status."""
    if browser_path() is None:
        print(MISSING)
        return 1 if os.environ.get("CI") == "true" else 0
    names = [Path(n).name for n in names] or sorted(
        path.name for path in (ROOT / "notebooks").glob("*.ipynb")
    )
    shutil.rmtree(SCREENSHOTS, ignore_errors=True)
    start, before = time.perf_counter(), changes()
    with running_server() as server, ThreadPoolExecutor(LESSONS_AT_ONCE) as pool:
        first = [name for name in names if name != WITH_PROGRESS]
        count = sum(pool.map(lambda name: report_on(server, name), first))
        if WITH_PROGRESS in names:
            count += report_on(server, WITH_PROGRESS)
    if changes() != before:
        print(f"FAULT a learner's work has changed the repository:\n{changes()}")
        count += 1
    print(f"{len(names)} lessons in the browser: {time.perf_counter() - start:.0f} s, ", end="")
    print(f"{count} faults." if count else "no fault.")
    return 1 if count else 0


def changes() -> str:
    """Return what git sees as changed in the repository; nothing outside one."""
    command = ["git", "-C", str(ROOT), "status", "--porcelain"]
    return subprocess.run(command, capture_output=True, text=True).stdout


def report_on(server: Server, name: str) -> int:
    """Try one lesson, print what was seen, and return the number of faults."""
    start = time.perf_counter()
    report = try_lesson(server, name, progress=name == WITH_PROGRESS)
    seconds = time.perf_counter() - start
    lines = [f"{name}: {seconds:.0f} s", *report.remarks, *(f"FAULT {f}" for f in report.faults)]
    print("\n    ".join(lines), flush=True)
    return len(report.faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
