"""Command that reads the built web edition in a real browser, as a visitor would.

    python tests/browser/read_site.py build/site

The site is served from this machine, on a free port. Every lesson and some other pages are opened:
each request has to go to that port and be answered, each figure has to be there. Then a solution
and a hint are unfolded, words are searched for in both languages, and the switch between light and
dark is used. Screenshots go to build/site-screenshots. Exit status 1 where something is wrong.
"""

from __future__ import annotations

import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from chromium import browser_path, new_page
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "site-screenshots"
SEARCHES = {"annihilation": "notebooks/04_one_cycle", "学习率": "docs/glossary"}
PAGES = ("", "docs/glossary", "docs/run_times", "docs/teaching", "docs/api/index", "genindex")
WIDTHS = {"wide": 1280, "narrow": 400}


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments) -> None:
        """Keep the terminal for what is wrong."""


class Visitor:
    """A page in the browser, with all that went wrong in it so far."""

    def __init__(self, browser: Browser, address: str, **context):
        self.address = address
        self.page: Page = browser.new_context(**context).new_page()
        self.wrong: list[str] = []
        self.requests = 0
        self.page.on("request", self._see_request)
        self.page.on("requestfailed", lambda r: self._note(f"{r.url} failed: {r.failure}"))
        self.page.on("response", self._see_response)
        self.page.on("pageerror", lambda error: self._note(f"the page raised {error}"))

    def _note(self, words: str) -> None:
        self.wrong.append(f"{self.page.url}: {words}")

    def _see_request(self, request) -> None:
        self.requests += 1
        if not request.url.startswith((self.address, "data:")):
            self._note(f"asks another host for {request.url}")

    def _see_response(self, response) -> None:
        if response.status >= 400:
            self._note(f"{response.url} was answered with {response.status}")

    def require(self, holds: bool, words: str) -> None:
        """Note the words unless something holds."""
        if not holds:
            self._note(words)

    def open(self, name: str) -> None:
        """Open a page, and see that all its figures came."""
        self.page.goto(f"{self.address}/{name}{'.html' if name else ''}", wait_until="load")
        if not name:
            self.page.wait_for_url("**/docs/index.html")
        broken = self.page.evaluate(
            "[...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src)"
        )
        self.require(broken == [], f"figures are missing: {broken}")

    def screenshot(self, name: str) -> None:
        """Take a picture of what is in view."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


def read_pages(visitor: Visitor, names: list[str]) -> None:
    """Open every page, and take a picture of each."""
    for name in names:
        visitor.open(name)
        visitor.require(bool(visitor.page.locator("h1").count()), "the page has no heading")
        visitor.screenshot(name.replace("/", "_") or "start")


def unfold(visitor: Visitor, lesson: str) -> None:
    """Unfold a lesson's hint and solution, which have to be folded before."""
    visitor.open(lesson)
    page = visitor.page
    solution = page.locator(".tag_solution details").first
    hint = page.locator("details", has_text="Hint 1").first
    for name, fold, content in (
        ("solution", solution, solution.locator("pre")),
        ("hint", hint, hint.locator("p, pre").first),
    ):
        visitor.require(not content.is_visible(), f"the {name} is open before it is asked for")
        fold.locator("summary").click()
        visitor.require(content.is_visible(), f"the {name} does not open")
    solution.scroll_into_view_if_needed()
    visitor.screenshot("solution_unfolded")


def search(visitor: Visitor, words: str, page_name: str) -> None:
    """Search from the sidebar, as a visitor does, and require a page among the results."""
    visitor.open("docs/index")
    page = visitor.page
    page.locator(".bd-sidebar-primary .search-button-field").click()
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html*")
    result = page.locator(f"#search-results a[href*='{page_name}']").first
    result.wait_for(timeout=20_000)
    visitor.screenshot(f"search_{page_name.rpartition('/')[2]}")


def switch_to_dark(visitor: Visitor, lesson: str) -> None:
    """Choose dark in the menu of colour modes, and see that the next page stays so."""
    visitor.open(lesson)
    page = visitor.page
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.locator("button.theme-switch-button").first.click()
    page.locator(".theme-change-button[data-mode=dark]").first.click()
    page.wait_for_timeout(1000)  # the colours change gradually
    dark = page.evaluate(colour)
    visitor.require(dark != light, f"the switch leaves the ground at {light}")
    visitor.open(lesson)
    visitor.require(page.evaluate(colour) == dark, "the choice of dark is forgotten")
    page.locator("img").nth(1).scroll_into_view_if_needed()
    visitor.screenshot("dark")


def read_narrow(visitor: Visitor, lesson: str) -> None:
    """Open a lesson on a telephone's width, where nothing may stick out."""
    visitor.open(lesson)
    wide = visitor.page.evaluate("document.documentElement.scrollWidth")
    visitor.require(wide <= WIDTHS["narrow"], f"the page is {wide} pixels wide on a telephone")
    visitor.screenshot("narrow")


def visit(site: Path, address: str) -> tuple[int, int, list[str]]:
    """Do all of it; return how many pages were opened, how many requests made, what is wrong."""
    lessons = [f"notebooks/{path.stem}" for path in sorted(site.glob("notebooks/*.html"))]
    with new_page() as page:
        browser = page.context.browser
        wide = {"viewport": {"width": WIDTHS["wide"], "height": 900}, "color_scheme": "light"}
        visitors = [Visitor(browser, address, **wide)]
        read_pages(visitors[0], [*PAGES, *lessons])
        unfold(visitors[0], lessons[2])
        for words, page_name in SEARCHES.items():
            search(visitors[0], words, page_name)
        switch_to_dark(visitors[0], lessons[3])
        narrow = {"viewport": {"width": WIDTHS["narrow"], "height": 800}, "color_scheme": "dark"}
        visitors.append(Visitor(browser, address, **narrow))
        read_narrow(visitors[1], lessons[1])
    wrong = [words for visitor in visitors for words in visitor.wrong]
    return len(PAGES) + len(lessons), sum(visitor.requests for visitor in visitors), wrong


def main(arguments: list[str]) -> int:
    """Serve the site in the folder given, visit it, and return 1 where something is wrong."""
    (site,) = map(Path, arguments)
    if browser_path() is None:
        print(
            "No Chromium was found, so that the site was not opened in a browser: install it (on "
            "Debian and Ubuntu 'apt-get install chromium') and run `make test-site` again."
        )
        return 1
    handler = partial(QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pages, requests, wrong = visit(site, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    print("\n".join(wrong) or f"{pages} pages read in the browser, {requests} requests: all well.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
