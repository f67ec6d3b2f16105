"""Command that opens every lesson in JupyterLab in a real browser and does what a learner does.

    cd tests; python -m browser.run_all [notebook ...]     (`make test-browser`; by default all)

JupyterLab is started by `make lab`. Each lesson has to open without a result; then all cells are
run, each control of each widget is moved, and the exercise is answered wrongly and rightly; at
last, in lesson 00, the kernel is restarted and the learner's progress looked for. One lesson runs
in the quick profile, the others in a few steps (smoke): nothing is clicked on while a net trains,
and `make test` runs them all as a learner does. Git has to see no
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
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Semaphore

from browser.chromium import MISSING, browser_path, new_browser
from browser.lesson import try_lesson
from browser.notebook_page import SCREENSHOTS
from browser.server import ROOT, Server, running_server
from playwright.sync_api import BrowserContext

LESSONS_AT_ONCE = 3  # on two cores: a page often waits
# It shows the progress of all lessons, so that its last step waits for theirs.
WITH_PROGRESS = "00_start_here.ipynb"


def main(names: list[str]) -> int:
    """Try the lessons, print what was seen, and return the exit status."""
    if browser_path() is None:
        print(MISSING)
        return 1 if os.environ.get("CI") == "true" else 0
    names = [Path(n).name for n in names or (ROOT / "notebooks").glob("*.ipynb")]
    shutil.rmtree(SCREENSHOTS, ignore_errors=True)
    start, before = time.perf_counter(), changes()
    with running_server() as server, ThreadPoolExecutor(LESSONS_AT_ONCE) as pool:
        # The later a lesson, the longer it takes: so no browser is left with one at the end.
        left, done = iter(sorted(names, reverse=True)), Semaphore(0)
        others = len(names) - 1
        readers = [pool.submit(read, server, left, done, others) for _ in range(LESSONS_AT_ONCE)]
        count = sum(reader.result() for reader in readers)
    if changes() != before:
        print(f"FAULT a learner's work has changed the repository:\n{changes()}")
        count += 1
    print(f"{len(names)} lessons in the browser: {time.perf_counter() - start:.0f} s, ", end="")
    print(f"{count} faults." if count else "no fault.")
    return 1 if count else 0


def read(server: Server, names: Iterator[str], done: Semaphore, others: int) -> int:
    """Try one lesson after the other in one browser, while there are any.

    Args:
        server: that serves them.
        names: of the notebooks; several browsers take from it.
        done: is released when a lesson is done.
        others: how many lessons there are beside the one that shows the progress of all.

    Returns:
        The number of faults.
    """

    def wait_for_others() -> None:
        for _ in range(others):
            done.acquire()

    faults = 0
    with new_browser() as browser:
        for name in names:
            try:
                wait = wait_for_others if name == WITH_PROGRESS else None
                faults += report_on(browser, server, name, wait)
            finally:
                done.release()
    return faults


def changes() -> str:
    """Return what git sees as changed in the repository; nothing outside one."""
    command = ["git", "-C", str(ROOT), "status", "--porcelain"]
    return subprocess.run(command, capture_output=True, text=True).stdout


def report_on(
    browser: BrowserContext, server: Server, name: str, wait_for_others: Callable[[], None] | None
) -> int:
    """Try one lesson, print what was seen, and return the number of faults."""
    start = time.perf_counter()
    report = try_lesson(browser, server, name, wait_for_others=wait_for_others)
    seconds = time.perf_counter() - start
    lines = [f"{name}: {seconds:.0f} s", *report.remarks, *(f"FAULT {f}" for f in report.faults)]
    print("\n    ".join(lines), flush=True)
    return len(report.faults)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
