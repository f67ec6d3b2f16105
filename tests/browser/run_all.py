"""Command that opens lessons in JupyterLab in a real browser, runs all their cells and looks.

    python tests/browser/run_all.py [notebook ...]     (by default lessons 00 and 02)

JupyterLab is started as `make lab BROWSER=no` does, on copies of the notebooks, so that running
them changes no stored output. Screenshots go to build/browser. Exit status 1 where a cell ended
with an error or a figure is missing.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import nbformat
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "browser"
TOKEN = "course-test"
SECONDS_A_LESSON = 240
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def browser_path() -> str:
    """Find Chromium or Chrome on the PATH.

    Raises:
        FileNotFoundError: there is none.
    """
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path:
            return path
    raise FileNotFoundError(
        "No Chromium was found on the PATH: install it (on Debian and Ubuntu "
        "'apt install chromium')."
    )


def start_jupyterlab(folder: Path) -> tuple[subprocess.Popen, str]:
    """Start the server on a free port and wait until it answers; return it and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--allow-root"]
    command += [f"--ServerApp.root_dir={folder}", f"--IdentityProvider.token={TOKEN}"]
    environment = {**os.environ, "COURSE_PROGRESS": str(folder / "progress.json")}
    server = subprocess.Popen(
        [*command, "--LabApp.news_url=None"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=2)
            return server, address
        except OSError:
            time.sleep(0.5)
    server.terminate()
    raise TimeoutError("JupyterLab did not answer within a minute: start it by hand to see why.")


def run_lesson(page: Page, address: str, folder: Path, name: str) -> list[str]:
    """Open a notebook, run all its cells, save it, and return what is wrong in sentences."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(f"{name}: the page raised {error}"))
    # A workspace of its own, lest JupyterLab reopen the lesson before as well.
    page.goto(f"{address}/lab/workspaces/{Path(name).stem}/tree/{name}?token={TOKEN}")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    # Run before the kernel is there, JupyterLab would ask which one to take.
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    notebook = run_and_save(page, folder / name)
    take_screenshots(page, Path(name).stem)
    return errors + faults(name, notebook, nbformat.read(ROOT / "notebooks" / name, as_version=4))


def take_screenshots(page: Page, stem: str) -> None:
    """Take a picture of each screenful of the notebook, from top to bottom."""
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer")
    panel.evaluate("panel => panel.scrollTop = 0")
    for number in range(40):
        page.wait_for_timeout(400)
        page.screenshot(path=SCREENSHOTS / f"{stem}_{number:02}.png")
        # JupyterLab keeps only the cells in view, so that the height changes while one scrolls.
        step = (
            "panel => { const old = panel.scrollTop; panel.scrollTop += 0.9 * panel.clientHeight;"
        )
        if not panel.evaluate(f"{step} return panel.scrollTop > old; }}"):
            return


def run_and_save(page: Page, path: Path) -> nbformat.NotebookNode:
    """Run all cells, save every other second, and return the notebook once every cell has run.

    The file is looked at, not the page, which holds only the cells in view.
    """
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    for _ in range(SECONDS_A_LESSON // 2):
        page.wait_for_timeout(2000)
        page.keyboard.press("Control+s")
        try:
            notebook = nbformat.read(path, as_version=4)
        except nbformat.reader.NotJSONError:
            continue  # the server is writing it
        if all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code"):
            return notebook
    raise TimeoutError(f"{path.name} was not run and saved within {SECONDS_A_LESSON} s.")


def faults(name: str, run: nbformat.NotebookNode, stored: nbformat.NotebookNode) -> list[str]:
    """Compare a run with the stored lesson: no error, and as many figures."""
    outputs = [o for cell in run.cells for o in cell.get("outputs", [])]
    found = [f"{name}: {o.ename}: {o.evalue}" for o in outputs if o.output_type == "error"]
    figures, expected = count_figures(run), count_figures(stored)
    if figures != expected:
        found.append(f"{name}: {figures} figures, but the stored lesson has {expected}.")
    return found


def count_figures(notebook: nbformat.NotebookNode) -> int:
    """Count the outputs that are pictures."""
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def main(names: list[str]) -> int:
    """Run the lessons one after the other; return 1 where something is wrong."""
    names = names or ["00_start_here.ipynb", "02_lr_finder.ipynb"]
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="course-browser-") as temporary:
        folder = Path(temporary)
        for path in (ROOT / "notebooks").glob("*.ipynb"):
            notebook = nbformat.read(path, as_version=4)
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs, cell.execution_count = [], None
            nbformat.write(notebook, folder / path.name)
        server, address = start_jupyterlab(folder)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)
                for name in names:
                    start = time.perf_counter()
                    page = browser.new_page(viewport={"width": 1280, "height": 900})
                    try:
                        wrong += run_lesson(page, address, folder, Path(name).name)
                    except (PlaywrightError, TimeoutError) as error:
                        page.screenshot(path=SCREENSHOTS / f"{Path(name).stem}_stopped.png")
                        wrong.append(f"{name}: {str(error).splitlines()[0]} See build/browser.")
                    page.close()
                    print(f"{name}: run in the browser in {time.perf_counter() - start:.0f} s")
                browser.close()
        finally:
            server.terminate()
            server.wait()
    print("\n".join(wrong) or f"{len(names)} lessons ran in the browser without an error.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
