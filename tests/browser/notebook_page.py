"""A lesson as it is open in JupyterLab: run its cells, find one of them, change one, look at it."""

from __future__ import annotations

import time
from pathlib import Path

import nbformat
from browser.server import ROOT, Server
from playwright.sync_api import Locator, Page

SCREENSHOTS = ROOT / "build" / "browser"
SECONDS_TO_RUN = 400
SECONDS_FOR_WORDS = 30
_PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer"


class NotebookPage:
    """A notebook in a browser's page.

    Args:
        page: of the browser.
        server: the JupyterLab to open it in.
        name: the notebook's file.
    """

    def __init__(self, page: Page, server: Server, name: str):
        self.page, self.server = page, server
        self.name, self.path = name, server.folder / name
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(f"the page raised {error}"))
        page.goto(server.lab(name))
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.wait_until_idle()

    def wait_until_idle(self) -> None:
        """Wait for the kernel; run before it is there, JupyterLab would ask which one to take."""
        self.page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()

    def choose(self, menu: str, item: str) -> None:
        """Choose an item of a menu."""
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        # The item's name would hold its keys as well.
        self.page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()

    def run_all(self) -> nbformat.NotebookNode:
        """Run all cells, none of which has run, and return the notebook saved after the last.

        An error ends the run, as JupyterLab then runs no further cell. The file is looked at,
        since the page holds only the cells in view.

        Raises:
            TimeoutError: it takes too long.
        """
        self.choose("Run", "Run All Cells")
        deadline = time.monotonic() + SECONDS_TO_RUN
        while time.monotonic() < deadline:
            self.page.wait_for_timeout(1000)
            if self.server.is_busy(self.name):  # to save is work for the page: not meanwhile
                continue
            notebook = self.save()
            cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
            kinds = {output.output_type for cell in cells for output in cell.outputs}
            if "error" in kinds or all(cell.execution_count for cell in cells):
                return notebook
        raise TimeoutError(f"{self.name} was not run and saved within {SECONDS_TO_RUN} s.")

    def save(self) -> nbformat.NotebookNode:
        """Save, and return what is in the file soon after."""
        self.page.keyboard.press("Control+s")
        self.page.wait_for_timeout(500)
        return self.read()

    def read(self) -> nbformat.NotebookNode:
        """Read the file; again, where the server is just writing it."""
        while True:
            try:
                return nbformat.read(self.path, as_version=4)
            except nbformat.reader.NotJSONError:
                self.page.wait_for_timeout(100)

    def find(self, text: str) -> Locator:
        """Return the code cell with this text, in view: scroll from the top where it is not there.

        Raises:
            LookupError: there is none.
        """
        cells = self.page.locator(f"{_PANEL} .jp-CodeCell").filter(has_text=text)
        if not cells.count() and not any(cells.count() for _ in self.screenfuls()):
            raise LookupError(f"No code cell with {text!r} was seen in {self.name}.")
        cells.first.scroll_into_view_if_needed()
        return cells.first

    def run(self, cell: Locator, source: str | None = None) -> None:
        """Run a cell, with other text in it where a source is given."""
        cell.locator(".cm-content").click()
        if source is not None:
            self.page.keyboard.press("Control+a")
            self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Control+Enter")

    def message(self, cell: Locator, words: str) -> str:
        """Return what a cell has printed, in one line: as soon as these words are in it."""
        deadline = time.monotonic() + SECONDS_FOR_WORDS
        while True:
            printed = " ".join(cell.locator(".jp-OutputArea-output").all_inner_texts())
            message = " ".join(printed.split())
            if words in message or time.monotonic() > deadline:
                return message
            self.page.wait_for_timeout(200)

    def restart(self, item: str = "Restart Kernel and Clear Outputs of All Cells…") -> None:
        """Restart the kernel by an item of the menu, and confirm it."""
        self.choose("Kernel", item)
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.wait_for_timeout(2000)
        self.wait_until_idle()

    def screenfuls(self):
        """Scroll from top to bottom, and yield the number of each screenful."""
        panel = self.page.locator(_PANEL)
        panel.evaluate("panel => panel.scrollTop = 0")
        # JupyterLab keeps only the cells in view, so that the height changes while one scrolls.
        step = (
            "panel => { const old = panel.scrollTop; panel.scrollTop += 0.9 * panel.clientHeight;"
        )
        for number in range(60):
            self.page.wait_for_timeout(250)
            yield number
            if not panel.evaluate(f"{step} return panel.scrollTop > old; }}"):
                return

    def screenshot(self, label: str) -> None:
        """Take a picture of what is in view."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{Path(self.name).stem}_{label}.png")
