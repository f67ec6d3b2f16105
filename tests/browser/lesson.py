"""What is done to one lesson in the browser, and what can be wrong then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import nbformat
from browser.answers import answer_exercises, progress_after_a_restart
from browser.chromium import new_page
from browser.notebook_page import NotebookPage
from browser.server import ROOT, Server
from browser.sliders import after_a_restart, move_all, widget_cells
from playwright.sync_api import BrowserContext
from playwright.sync_api import Error as PlaywrightError


@dataclass
class Report:
    """What was seen in one lesson.

    Attributes:
        faults: what is wrong, in sentences.
        remarks: what was measured.
    """

    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def try_lesson(
    browser: BrowserContext,
    server: Server,
    name: str,
    *,
    wait_for_others: Callable[[], None] | None = None,
) -> Report:
    """Open a lesson, run all, move its sliders, answer its exercises; look for what is wrong.

    Args:
        browser: to open it in.
        server: the JupyterLab that serves it.
        name: the notebook's file.
        wait_for_others: returns when all other lessons are done. With it the kernel is then
            restarted and the learner's progress looked for, which lesson 00 shows.
    """
    report = Report()
    with new_page(browser) as blank:
        page = None
        try:
            page = NotebookPage(blank, server, name)
            report.faults += seen_before_the_guess(page)
            run = page.run_all()
            for number in page.screenfuls():
                page.screenshot(f"{number:02}")
            report.faults += compare(run, nbformat.read(ROOT / "notebooks" / name, as_version=4))
            widgets = widget_cells(run)
            for source in widgets:
                moves = move_all(page, source)
                page.screenshot("moved")
                report.faults += moves.faults
                report.remarks.append(str(moves))
            report.faults += answer_exercises(page, run)
            if widgets:
                report.faults += after_a_restart(page, widgets[0])
            if wait_for_others:
                wait_for_others()
                report.faults += progress_after_a_restart(page, server)
        except (PlaywrightError, TimeoutError, LookupError) as error:
            report.faults.append(f"{str(error).splitlines()[0]} See build/browser.")
            if page:
                page.screenshot("stopped")
        report.faults += page.errors if page else []
    server.end_kernel(name)
    return report


def seen_before_the_guess(page: NotebookPage) -> list[str]:
    """Look at a lesson as it is first opened: nothing that was measured may be there to be read."""
    outputs = page.page.locator(".jp-OutputArea-output")
    seen = sum(outputs.count() for _ in page.screenfuls())
    return [f"{seen} outputs are seen before anything was run"] if seen else []


def compare(run: nbformat.NotebookNode, stored: nbformat.NotebookNode) -> list[str]:
    """Compare a run with the stored lesson: no error, and as many figures."""
    outputs = [o for cell in run.cells for o in cell.get("outputs", [])]
    faults = [f"{o.ename}: {o.evalue}" for o in outputs if o.output_type == "error"]
    figures, expected = _count_figures(run), _count_figures(stored)
    if figures != expected:
        faults.append(f"{figures} figures, but the stored lesson has {expected}")
    return faults


def _count_figures(notebook: nbformat.NotebookNode) -> int:
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)
