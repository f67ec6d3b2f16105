"""Command that checks the built web edition: nothing comes from another host, no link is dead.

    python tests/helpers/site_check.py build/site

Links within the site have to lead to a file, and to an anchor where they name one. There may be no
network, so links to elsewhere are checked in their form only.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

# What a browser fetches by itself, by element. Of <link> only some: see FETCHED_RELATIONS.
FETCHED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
    "link": "href",
}
FETCHED_RELATIONS = {"stylesheet", "icon", "preload", "modulepreload", "manifest"}
CSS_ADDRESS = re.compile(r"""(?:url\(|@import\s)\s*['"]?([^'")\s;]+)""")
HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?", re.IGNORECASE)


class Page(HTMLParser):
    """What a page fetches, links to, and can be linked to by."""

    def __init__(self, text: str):
        super().__init__()
        self.fetched: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note one element."""
        found = dict(attrs)
        self.anchors.update(found[key] for key in ("id", "name") if found.get(key))
        address = found.get(FETCHED.get(tag, ""))
        relations = set((found.get("rel") or "").split())
        if address and (tag != "link" or relations & FETCHED_RELATIONS):
            self.fetched.append(address)
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])


@cache
def read_page(path: Path) -> Page:
    """Read a page once."""
    return Page(path.read_text(encoding="utf-8"))


def page_files(site: Path) -> list[Path]:
    """Return the site's pages, without the templates that a theme leaves among its static files."""
    paths = site.rglob("*.html")
    return sorted(path for path in paths if "_static" not in path.relative_to(site).parts)


def faults(site: Path) -> Iterator[str]:
    """Yield a sentence for each fault of a built site.

    Args:
        site: the folder of the site.
    """
    for path in page_files(site):
        name, page = path.relative_to(site), read_page(path)
        for address in page.fetched:
            yield from (f"{name} {words}" for words in _fetch_faults(address, path))
        for address in page.links:
            yield from (f"{name} {words}" for words in _link_faults(address, path))
    for path in sorted(site.rglob("*.css")):
        for address in CSS_ADDRESS.findall(path.read_text(encoding="utf-8")):
            for words in _fetch_faults(address, path):
                yield f"{path.relative_to(site)} {words}"


def _fetch_faults(address: str, path: Path) -> Iterator[str]:
    parts = urlsplit(address)
    if parts.scheme == "data":
        return
    if parts.scheme or parts.netloc:
        yield f"fetches {address} from another host: put it into the site."
    elif parts.path and not _target(parts.path, path).is_file():
        yield f"fetches {address}, which is not there."


def _link_faults(address: str, path: Path) -> Iterator[str]:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        if parts.scheme != "mailto" and not _is_well_formed(address):
            yield f"links to {address!r}, which is no address: correct it."
        return
    place, anchor = urldefrag(address)
    target = _target(urlsplit(place).path, path) if place else path
    if not target.is_file():
        yield f"links to {address}, which is not there."
    elif anchor and target.suffix == ".html" and unquote(anchor) not in read_page(target).anchors:
        yield f"links to {address}, but that page has no such anchor."


def _target(place: str, path: Path) -> Path:
    return path.parent / unquote(place)


def _is_well_formed(address: str) -> bool:
    """Tell whether an address has a scheme and a host, and no stray character or full stop."""
    parts = urlsplit(address)
    is_web = parts.scheme in ("http", "https") and HOST.fullmatch(parts.netloc)
    return bool(is_web) and not re.search(r"[\s<>\"'`]|[.,;]$", address)


def main(arguments: list[str]) -> int:
    """Check the site in the folder given; 1 where something is wrong."""
    (site,) = map(Path, arguments)
    sentences = list(faults(site))
    pages = [read_page(path) for path in page_files(site)]
    count = sum(len(page.links) for page in pages)
    print("\n".join(sentences) or f"{len(pages)} pages, {count} links: no fault.")
    return 1 if sentences or not pages else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
