"""The browser: Debian's Chromium, or any Chrome on the PATH, without a window."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, Page, sync_playwright

MISSING = (
    "No Chromium was found, so that no lesson was opened in a browser: install it (on Debian and "
    "Ubuntu 'apt-get install chromium') and run `make test-browser` again."
)
SECONDS_TO_WAIT = 90  # for anything on the page: a slow machine is no fault
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def browser_path() -> str | None:
    """Find Chromium or Chrome on the PATH; None where there is none."""
    return next((path for path in map(shutil.which, _NAMES) if path), None)


@contextmanager
def new_browser() -> Iterator[BrowserContext]:
    """Start a browser, so that several threads can have one each."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=_FLAGS)
        try:
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            context.set_default_timeout(1000 * SECONDS_TO_WAIT)
            yield context
        finally:
            browser.close()


@contextmanager
def new_page(context: BrowserContext) -> Iterator[Page]:
    """Open a page in a browser, which keeps what it has loaded for the next one."""
    page = context.new_page()
    try:
        yield page
    finally:
        page.close()
