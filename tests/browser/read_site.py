"""Command that reads the built web edition in a real browser, as a visitor would.

    python tests/browser/read_site.py build/site

The site is served from this machine, on a free port. Every lesson and some other pages are opened:
each request has to go to that port and be answered, each figure has to be there, no line of a
lesson's code may need scrolling, on the screen or on paper, and no page on a telephone. Then a
solution, a hint and a quiz are unfolded, words are searched for in both languages, and the switch
between light and dark is used. Where axe-core was fetched (`make test-site` does it by npm), it
reads ten pages in both themes. Screenshots go to build/site-screenshots. Exit status 1 where
something is wrong.
"""

from __future__ import annotations

import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from chromium import browser_path, new_browser
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / "build" / "site-screenshots"
AXE = ROOT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
# What is searched for -> the page that has to come first.
SEARCHES = {
    "momentum": "notebooks/05_cyclical_momentum",
    "学习率": "docs/glossary",
}
PAGES = ("", "docs/glossary", "docs/run_times", "docs/teaching", "docs/api/index", "genindex")
PAGES_FOR_AXE = ("docs/index", "docs/glossary", "docs/teaching", "docs/api/lr", "genindex")
LESSONS_FOR_AXE = 5
WIDTHS = {"wide": 1280, "paper": 718, "narrow": 390}  # paper: A4 without its margins
CUT_CODE = """
    () => [...document.querySelectorAll("div.cell_input pre")]
        .filter(pre => pre.scrollWidth > pre.clientWidth || pre.parentElement.scrollWidth
                > pre.parentElement.clientWidth)
        .map(pre => pre.textContent.split("\\n").sort((a, b) => b.length - a.length)[0])
"""
SERIOUS = """
    () => axe.run(document, {resultTypes: ["violations"]}).then(found => found.violations
        .filter(v => ["serious", "critical"].includes(v.impact))
        .map(v => `${v.id}: ${v.help}, ${v.nodes.length} times, as in ${v.nodes[0].html}`))
"""


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments) -> None:
        """Keep the terminal for what is wrong."""


class QuietServer(ThreadingHTTPServer):
    """Serves a browser, which may leave before it has read all."""

    def handle_error(self, request, client_address) -> None:
        """Say nothing: what a page lacks the visitor sees."""


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
        for element in ("h1", "link[rel=icon]", "meta[name=description]"):
            visitor.require(
                bool(visitor.page.locator(element).count()) or name == "genindex",
                f"the page has no {element}",
            )
        visitor.screenshot(name.replace("/", "_") or "start")


def read_code(visitor: Visitor, lessons: list[str]) -> None:
    """Require that no line of a lesson's code is cut, on the screen and on paper."""
    page = visitor.page
    for lesson in lessons:
        visitor.open(lesson)
        page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        for media, width in (("screen", "wide"), ("print", "paper")):
            page.emulate_media(media=media)
            page.set_viewport_size({"width": WIDTHS[width], "height": 900})
            cut = page.evaluate(CUT_CODE)
            visitor.require(cut == [], f"{media}: {len(cut)} cells' code is cut: {cut[:3]}")
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": WIDTHS["wide"], "height": 900})
        visitor.require(page.locator("table.claims").count() == 1, "there is no table of claims")


def answer_quiz(visitor: Visitor, lesson: str) -> None:
    """Open the options of a quiz's first question: one is right, and says why."""
    visitor.open(lesson)
    options = visitor.page.locator(".quiz").first.locator("details")
    verdicts = []
    for option in options.all():
        option.locator("summary").click()
        verdicts.append(option.locator("p").inner_text())
    right = [verdict for verdict in verdicts if len(verdict.removeprefix("Right. ")) > 20]
    visitor.require(len(right) == 1 and len(verdicts) > 2, f"the quiz answers {verdicts}")
    visitor.screenshot("quiz")


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
    """Search from the sidebar, as a visitor does, and require a page as the first result."""
    visitor.open("docs/index")
    page = visitor.page
    page.locator(".bd-sidebar-primary .search-button-field").click()
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html*")
    page.locator(f"#search-results a[href*='{page_name}']").first.wait_for(timeout=20_000)
    page.wait_for_timeout(1000)  # the results come one by one
    first = page.locator("#search-results li a").first.get_attribute("href")
    visitor.require(page_name in first, f"the first result for {words!r} is {first}")
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


def read_narrow(visitor: Visitor, names: list[str]) -> None:
    """Open pages on a telephone's width, where nothing may stick out."""
    for name in names:
        visitor.open(name)
        wide = visitor.page.evaluate("document.documentElement.scrollWidth")
        visitor.require(wide <= WIDTHS["narrow"], f"the page is {wide} pixels wide on a telephone")
        visitor.screenshot(f"narrow_{name.replace('/', '_') or 'start'}")


def read_with_axe(visitor: Visitor, names: list[str]) -> None:
    """Require that axe-core finds nothing serious or critical on pages."""
    for name in names:
        visitor.open(name)
        visitor.page.add_script_tag(path=AXE)
        visitor.page.wait_for_timeout(1000)  # colours change gradually while a page opens
        for words in visitor.page.evaluate(SERIOUS):
            visitor.require(False, words)


def visit(site: Path, address: str) -> tuple[int, int, list[str]]:
    """Do all of it; return how many pages were opened, how many requests made, what is wrong."""
    lessons = [f"notebooks/{path.stem}" for path in sorted(site.glob("notebooks/*.html"))]
    api = [f"docs/api/{path.stem}" for path in sorted(site.glob("docs/api/*.html"))]
    with new_browser() as context:
        browser = context.browser
        wide, narrow = (
            {"viewport": {"width": WIDTHS[width], "height": 900}} for width in ("wide", "narrow")
        )
        first = Visitor(browser, address, **wide, color_scheme="light")
        read_pages(first, [*PAGES, *lessons])
        read_code(first, lessons)
        unfold(first, lessons[2])
        answer_quiz(first, lessons[2])
        for words, page_name in SEARCHES.items():
            search(first, words, page_name)
        switch_to_dark(first, lessons[3])
        visitors = [first, Visitor(browser, address, **narrow, color_scheme="dark")]
        read_narrow(visitors[1], [*PAGES, *lessons, *api])
        for theme in ("light", "dark") if AXE.exists() else ():
            visitors.append(Visitor(browser, address, **wide, color_scheme=theme))
            read_with_axe(visitors[-1], [*PAGES_FOR_AXE, *lessons[::2][:LESSONS_FOR_AXE]])
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
    with QuietServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        pages, requests, wrong = visit(site, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    if not AXE.exists():
        print("axe-core was not there (npm fetches it), so that accessibility was not looked at.")
    print("\n".join(wrong) or f"{pages} pages read in the browser, {requests} requests: all well.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
